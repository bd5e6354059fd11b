"""The exercise: what is right of a `preference_loss`, what is wrong with it, hints, the solution and its kin."""

from workshop.exercise.checker import check_loss
from workshop.exercise.choice_models import ChoiceModel, ChoiceModelConfig, PreferenceLoss, choice_model, explain
from workshop.exercise.hints import give_hints, report_check
