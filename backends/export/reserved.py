"""Names that modules of PyTorch, Flax or MLX have taken, and those of sizes: not for learned arrays."""

RESERVED_ATTRIBUTES = frozenset(
    """
    T_destination add_module apply apply_to_modules bfloat16 buffers call_super_init children clear compile
    context copy cpu cuda double dump_patches eval extra_repr filter_and_map float forward freeze fromkeys get
    get_buffer get_extra_state get_parameter get_submodule half hidden ipu is_module items iter_children
    iter_modules keys leaf_modules load_state_dict load_weights modules mtia named_buffers named_children
    named_modules named_parameters parameters perturb pop popitem register_backward_hook register_buffer
    register_forward_hook register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
    register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module register_parameter
    register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ save_weights set_attributes
    set_dtype set_extra_state set_submodule setdefault share_memory sow state state_dict to to_empty train
    trainable_parameter_filter trainable_parameters training type unfreeze update update_modules
    valid_child_filter valid_parameter_filter values vocabulary width xpu zero_grad
    """.split()
)
