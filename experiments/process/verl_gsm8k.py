"""A reward function of verl's as it is: of one response and the truth of its prompt."""
from installed import load
from pstar_verifier import serve

# With verl's dependencies installed: from verl.utils.reward_score import gsm8k
compute_score = load("verl", "utils/reward_score/gsm8k.py").compute_score

truths = {"1+1=": "2", "5+7=": "12", "8+3=": "11"}

serve(lambda prompt, response: compute_score(solution_str=response, ground_truth=truths[prompt]))
