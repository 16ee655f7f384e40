"""Runs the experiments of experiments/process, and asks their verifiers what those of training libraries are known to get wrong.

What is expected comes from the libraries, called in plain loops, without the bridge.
"""
import itertools
import json
import os
import subprocess
import sys
import tempfile

HOST = sys.argv[1]
FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../experiments/process")
sys.path.insert(0, FOLDER)


def host(*arguments, questions=(), folder=FOLDER):
    text = "".join(json.dumps(question) + "\n" for question in questions)
    done = subprocess.run([HOST, *arguments], cwd=folder, input=text, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def probe(script, pairs, folder=FOLDER, **fields):
    """The verdicts of a script on pairs: true, false, or why there is none."""
    config = f'(command: ["python3", "{script}"]' + "".join(f", {key}: {value}" for key, value in fields.items()) + ")"
    questions = [{"prompt": prompt, "response": response} for prompt, response in pairs]
    lines = host("probe", "verifier", "--plugin", "process", "--config", config, questions=questions, folder=folder).splitlines()
    answers = [json.loads(line) for line in lines]
    assert len(answers) == len(pairs)
    return [answer["no_verdict"] if answer["valid"] is None else answer["valid"] for answer in answers]


def outputs(symbols, horizon):
    return ["".join(word) for length in range(horizon + 1) for word in itertools.product(symbols, repeat=length)]


def valid_outputs(experiment):
    """How many outputs of each prompt are valid, as the host counts them."""
    told = json.loads(host("exact", f"{experiment}.ron", "--json"))
    return [int(prompt["valid_outputs"]) for prompt in told["prompts"]]


def count(symbols, horizon, prompts, accepts):
    return [sum(accepts(prompt, response) for response in outputs(symbols, horizon)) for prompt in prompts]


def gym_sums():
    import reasoning_gym

    data = reasoning_gym.create_dataset("chain_sum", size=6, seed=1, min_terms=2, max_terms=2, min_digits=1, max_digits=1)
    entries = {entry["question"]: entry for entry in data}
    with open(os.path.join(FOLDER, "gym-prompts.txt"), encoding="utf-8") as file:
        assert file.read().splitlines() == list(entries), "the library makes these prompts"
    right = lambda prompt, response: data.score_answer(response, entries[prompt]) == 1
    assert valid_outputs("gym-sums") == count("0123456789-", 2, entries, right)
    # A score between 0 and 1 is a verdict only where a threshold is declared; a prompt of another dataset is an error.
    (prompt, entry), *_ = entries.items()
    longer = next(r for r in outputs("0123456789-", 2) if 0 < data.score_answer(r, entry) < 1)
    pairs = [(prompt, entry["answer"]), (prompt, longer), ("2 + 2 =", "4")]
    right, between, unknown = probe("gym_sums.py", pairs)
    assert right is True and "neither 0 nor 1" in between and unknown.startswith("KeyError"), (right, between, unknown)
    assert probe("gym_sums.py", pairs[:2], threshold=1.0) == [True, False]
    assert probe("gym_sums.py", pairs[:2], threshold=0.01) == [True, True]


def math_answers():
    from math_verify import parse, verify

    prompts = ["1/2", "1/4"]
    right = lambda prompt, response: verify(parse(prompt), parse(response))
    assert valid_outputs("math-answers") == count("12346./", 3, prompts, right)
    # What takes too long is scored 0 by default, and printed prompts and workers in threads hide it; here it is no verdict.
    tower = "$9^{9^{9^{9}}}$"
    assert right("3/4", tower) is False
    pairs = [("3/4", "0.75"), ("3/4", tower), ("3/4", "4/3"), ("", "1"), ("3/4", "$\\frac{3}{4}$")]
    found = probe("math_answers.py", pairs, seconds=60.0)
    assert found[0] is True and found[2] is False and found[4] is True, found
    assert found[1].startswith("TimeoutException") and found[3] == "ValueError: the prompt is no mathematics", found
    # The library's own limit is longer than this one: the process is killed, and the others have their verdicts.
    found = probe("math_answers.py", pairs, seconds=4.0)
    assert found[0] is True and "no answer within 4 s" in found[1] and found[2] is False and found[4] is True, found


def in_threads():
    """Limits by signals do not work in threads, where a trainer's exception handler makes 0 of what they raise."""
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "threads.py"), "w", encoding="utf-8") as file:
            file.write(f"""
import sys
sys.path.insert(0, {FOLDER!r})
from concurrent.futures import ThreadPoolExecutor
from math_verify import parse, verify
from pstar_verifier import serve

pool = ThreadPoolExecutor(4)
serve(many=lambda pairs: list(pool.map(lambda pair: verify(parse(pair[0]), parse(pair[1])), pairs)))
""")
        found = probe("threads.py", [("1/2", "0.5"), ("1/2", "3")], folder)
        assert all("threaded environment" in str(reason) for reason in found), found
    # The file that people copy calls functions on the main thread, and more of them in more processes.
    pairs = [("1/2", response) for response in ["0.5", "3", "2/4", "1"] * 50]
    assert probe("math_answers.py", pairs, children=3, batch=8) == [True, False, True, False] * 50


def trl_format():
    from installed import load

    reward = load("trl", "rewards/format_rewards.py").think_format_reward
    right = lambda prompt, response: reward([[{"content": response}]]) == [1.0]
    assert valid_outputs("trl-format") == count(["<think>", "</think>", "a"], 5, [""], right)
    thought = "<think>é\n</think>2"
    assert probe("trl_format.py", [("", thought), ("", "2"), ("", thought + thought)]) == [
        right("", response) for response in [thought, "2", thought + thought]
    ]


def rewards_that_go_wrong():
    """A batch of rewards that is shifted, short, None or a dictionary is no verdict, and no 0."""
    bodies = {
        "return [float(c == 'yes') for c in completions if c]": [True, "ValueError", False],
        "return [1.0 if c == 'yes' else None for c in completions]": [True, "NoneType", "NoneType"],
        "return [{'score': 1.0} for c in completions]": ["dict", "dict", "dict"],
        "return [float('nan') if not c else float(c == 'yes') for c in completions]": [True, "nan", False],
        "print(completions); return [{'yes': 1.0, 'no': 0.0}[c] for c in completions]": [True, "KeyError", False],
    }
    for body, expected in bodies.items():
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "reward.py"), "w", encoding="utf-8") as file:
                file.write(f"""
import sys
sys.path.insert(0, {FOLDER!r})
from pstar_verifier import serve

def reward(completions, **kwargs):
    {body}

serve(many=lambda pairs: reward(completions=[response for _, response in pairs]))
""")
            found = probe("reward.py", [("", "yes"), ("", ""), ("", "no")], folder)
            for found, expected in zip(found, expected, strict=True):
                assert found is expected or isinstance(expected, str) and expected in str(found), (body, found, expected)


def verl_gsm8k():
    from installed import load

    compute_score = load("verl", "utils/reward_score/gsm8k.py").compute_score
    truths = {"1+1=": "2", "5+7=": "12", "8+3=": "11"}
    right = lambda prompt, response: compute_score(response, truths[prompt]) == 1
    assert valid_outputs("verl-gsm8k") == count(["#### ", "1", "2", ","], 4, truths, right)


def palindrome():
    right = lambda prompt, response: response == response[::-1]
    assert valid_outputs("palindrome") == count("ab", 6, [""], right)


for check in [palindrome, gym_sums, math_answers, in_threads, trl_format, rewards_that_go_wrong, verl_gsm8k]:
    check()
    print(f"{check.__name__}: as the library says", flush=True)
with tempfile.TemporaryDirectory() as runs:
    for name in ["palindrome", "gym-sums", "math-answers", "trl-format", "verl-gsm8k"]:
        dry = host("run", f"{name}.ron", "--dry-run").splitlines()[0]
        host("run", f"{name}.ron", "--out", os.path.join(runs, name), "--set", "training.steps=10")
        print(f"{name}: runs; {dry}", flush=True)
