"""What a person judges by where nobody has said so: a sentence for each environment that is known here."""

from workshop import CARTPOLE_ID

SENTENCES = {
    CARTPOLE_ID: "Keep the pole upright",
    "Pendulum-v1": "Swing the pendulum up, and hold it there",
    "MountainCar-v0": "Drive the car up the hill on the right",
    "MountainCarContinuous-v0": "Drive the car up the hill on the right",
    "Acrobot-v1": "Swing the free end above the line",
    "LunarLander-v3": "Land softly between the flags",
    "BipedalWalker-v3": "Walk to the right without falling",
    "HalfCheetah-v5": "Run to the right, as fast as it can",
    "Hopper-v5": "Hop to the right without falling",
    "Walker2d-v5": "Walk to the right without falling",
    "Ant-v5": "Walk to the right without turning over",
    "Swimmer-v5": "Swim to the right, as fast as it can",
    "Reacher-v5": "Bring the fingertip to the target",
    "Humanoid-v5": "Walk upright without falling",
}


def judged_by(env_id: str) -> str:
    """What clips of this environment are judged by, "" if it is not known.

    It is shown to the person, and means nothing else: the true reward of such a run is still the environment's own.
    """
    return SENTENCES.get(env_id, "")
