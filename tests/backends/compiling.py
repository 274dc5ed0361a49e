"""How tests compile what they run once."""

from __future__ import annotations

QUICK = {
    "xla_backend_optimization_level": 0,
    "xla_llvm_disable_expensive_passes": True,
    "xla_cpu_use_fusion_emitters": False,
    "xla_cpu_parallel_codegen_split_count": 1,
}
"""Options under which XLA compiles a program that runs once: in a quarter of the time that its defaults take."""
