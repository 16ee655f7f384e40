"""Valid is what Math-Verify finds equal to the prompt."""
from math_verify import parse, verify
from pstar_verifier import serve


def accepts(prompt, response):
    # By default the library says False where it fails or takes too long: here that is no verdict.
    gold, answer = parse(prompt, raise_on_error=True), parse(response, raise_on_error=True)
    if not gold:
        raise ValueError("the prompt is no mathematics")
    return verify(gold, answer, raise_on_error=True)


serve(accepts)
