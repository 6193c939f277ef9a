"""The model's own tokenizer: byte-level BPE with Qwen2's splitting pattern, NFC, and three special tokens at the end.

One idea: it is trained with a stricter pattern than it is used with. Quotes, hyphens and apostrophes never merge with
letters then, so "cat" in quotes and c-a-t are made of the same tokens as cat and its letters.
"""

import random
import unicodedata

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from talk import plain

VOCABULARY = 8192
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
QWEN2_PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
STRICT_PATTERN = r" ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|[\r\n]|\s"


def split_by(pattern: str):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"),
                                    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def train_tokenizer(corpus, chats: int, seed: int) -> Tokenizer:
    rng = random.Random(seed)
    texts = []
    for _ in range(chats):
        chat = corpus.short(rng)
        texts.append("\n".join([chat.system or "", "system user assistant\nsystem\nuser\nassistant\n"]))
        texts.extend(unicodedata.normalize("NFC", plain(text)) for turn in chat.turns for text in turn)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = split_by(STRICT_PATTERN)
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY - len(SPECIAL),
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.pre_tokenizer = split_by(QWEN2_PATTERN)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in SPECIAL])
    assert tokenizer.get_vocab_size() == VOCABULARY, f"{tokenizer.get_vocab_size()} tokens instead of {VOCABULARY}"
    return tokenizer
