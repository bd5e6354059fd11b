"""Labellers who want different things: what each group wants, who is asked, and whom the agent is aligned to."""

from workshop.labellers.agreement import Agreement, agreement, krippendorff_alpha
from workshop.labellers.aligned import Aligned, ByGroup, align, weights_in_turns
from workshop.labellers.goals import AS_TRUE, DESK, ELSEWHERE, POLE, Goal, Said, TextGoal, Wants, goals_of, of_steps
from workshop.labellers.options import Group, LabellersConfig, labellers_goal, refuse_groups, who_answers
from workshop.labellers.satisfaction import Satisfaction, agrees, group_columns, scaled, what_each_gets
