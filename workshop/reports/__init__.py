"""What a run tells: while it goes on, to whoever listens, and at its end."""

from workshop.reports.about import About, title_of
from workshop.reports.conclusion import conclude
from workshop.reports.dependence import Dependence, partial_dependence
from workshop.reports.evaluation import EPISODES, Episodes, Evaluation, Evaluator, HowToEvaluate
from workshop.reports.figures import CIRCLES, HEIGHT, SQUARES, add_legend, figure_in
from workshop.reports.labeller import labeller_report
from workshop.reports.listeners import Iteration, Listener
from workshop.reports.moving_pictures import FRAMES_PER_SECOND, first_episode, save_final_policy
from workshop.reports.report import Report, attempt
from workshop.reports.reward_hacking import HackingAlarm
from workshop.reports.tensorboard import TensorBoard
from workshop.reports.what_it_learned import draw_learned_so_far
from workshop.reports.who_got_what import tell_who_got_what, warn_of_disagreement
