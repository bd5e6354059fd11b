"""How --help groups the flags: by the slides' tasks and tricks, the ten that a participant needs first at the top.

Flags that are in no group are told with the others of their dataclass.
"""

# title, what the slides say, flags by name
GROUPS = (
    (
        "First of all",
        "“Implement the loss function in 'main.py'. Train an agent to balance a pole (exciting!)”",
        ("check", "hint", "solution", "seed", "comparisons", "reward", "oracle", "env", "watch", "resume"),
    ),
    (
        "Explore hyperparameters to minimise required preferences",
        "“What happens if you increase/decrease train epochs, batch size, or fragment length?”",
        ("fragment_length", "reward_epochs", "reward_batch_size", "reward_learning_rate", "weight_decay", "preset"),
    ),
    (
        "Try different network sizes",
        "“Parameterise reward function and apply supervised learning”",
        ("hidden_sizes", "agent_hidden_sizes", "reward_network", "prior_std", "bump_width", "reward_inputs"),
    ),
    (
        "Additional tricks",
        "“Pre-train reward model on prefs over random policy rollouts; frontload preferences; ensemble of models”",
        ("pretrain", "schedule", "frontload", "ensemble_size", "comparisons_per_fit", "recent_fraction", "pessimism"),
    ),
    (
        "Try a harder environment",
        "“https://gymnasium.farama.org/. Half Cheetah?”",
        ("fixed_horizon", "allow_variable_horizon", "n_envs", "stepping", "normalise"),
    ),
    (
        "Swap out the oracle and query the user",
        "“Human picks favourite”; with --oracle human or terminal",
        ("labeller", "goal", "ask_again", "keep_labelling", "show_true_return", "host", "port", "open_page",
         "comparisons_from"),
    ),
    (
        "How the oracle answers",
        "“Humans choose approximately rationally”: a synthetic oracle made of the teachers of B-Pref (Lee et al. 2021)",
        ("oracle_temperature", "oracle_mistakes", "oracle_skip", "oracle_equal", "oracle_discount", "oracle_unit"),
    ),
    (
        "Try different choice models",
        "“Scale rewards before softmax? Hinge preferences?”",
        ("loss", "loss_temperature", "hinge_margin", "lapse_rate"),
    ),
    (
        "Try and improve the algorithm: when to stop",
        "“Stop training based on loss coverage instead of fixed number of steps?”",
        ("fit_until", "fit_patience", "stop_asking", "settle_patience", "adaptive_weight_decay", "dropout"),
    ),
    (
        "Try and improve the algorithm: what to ask",
        "“Select preferences based on uncertainty instead of randomly?”",
        ("query", "diversity", "pool_factor"),
    ),
    (
        "The agent",
        "“We are free to apply our favourite RL algorithm”: PPO (Schulman et al. 2017), as Stable-Baselines3 has it",
        ("rollout_steps", "agent_learning_rate", "agent_weight_decay", "agent_epochs", "agent_batch_size",
         "agent_activation", "entropy_bonus", "clip_range", "initial_log_std", "orthogonal_init", "value_coefficient",
         "max_grad_norm", "gamma", "gae_lambda"),
    ),
    (
        "The run",
        "“Go to step 2”: how often, how long, and where it is kept",
        ("total_timesteps", "iterations", "name", "runs_dir", "device", "pictures"),
    ),
)  # fmt: skip
