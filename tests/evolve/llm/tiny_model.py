"""A model for mlx-lm made on the spot: two layers of random numbers over bytes, in a directory like any other's."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("mlx.core", reason="MLX is not installed", exc_type=ImportError)
pytest.importorskip(
    "mlx_lm", reason="mlx-lm is not installed: pip install -e '.[local-llm]'", exc_type=ImportError
)
pytest.importorskip("llguidance", reason="llguidance is not installed", exc_type=ImportError)

TEMPLATE = "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"


def write_model(directory: Path, template: str | None = TEMPLATE, spare: int = 5) -> Path:
    """Write the model; its table of tokens has `spare` more rows than the tokenizer has tokens."""
    import mlx.core as mx
    from mlx_lm.models import llama
    from mlx_lm.utils import save_config, save_model
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(letters)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<eos>", bos_token="<bos>", pad_token="<pad>"
    )
    fast.chat_template = template
    sizes = {
        "model_type": "llama",
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "intermediate_size": 64,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "rms_norm_eps": 1e-5,
        "vocab_size": len(fast) + spare,
        "tie_word_embeddings": True,
    }
    mx.random.seed(0)
    save_model(directory, llama.Model(llama.ModelArgs.from_dict(sizes)))
    save_config(sizes, directory / "config.json")
    fast.save_pretrained(directory)
    return directory
