"""How good a knowledge base's hits and answers are, measured on questions with known answers."""
