"""A reward function of TRL's as it is: of lists of completions, each a conversation."""
from installed import load
from pstar_verifier import serve

# With TRL's dependencies installed: from trl.rewards import think_format_reward
reward = load("trl", "rewards/format_rewards.py").think_format_reward


def rewards(pairs):
    completions = [[{"role": "assistant", "content": response}] for _, response in pairs]
    return reward(prompts=[prompt for prompt, _ in pairs], completions=completions)


serve(many=rewards)
