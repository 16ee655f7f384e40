"""Copy this file beside your verifier and call `serve`; plugins/process/README.md of pstar has the protocol."""
import json, math, os, time

def serve(accepts=None, many=None, begin=lambda config: None):
    """accepts(prompt, response), or many([(prompt, response), …]): true, false or a score each; an exception is no verdict."""
    lines, out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what anything prints goes to standard error
    say = lambda what: (out.write(json.dumps(what) + "\n"), out.flush())
    def plain(verdict):
        verdict = verdict.item() if hasattr(verdict, "item") else verdict  # NumPy's and PyTorch's
        if isinstance(verdict, int) or isinstance(verdict, float) and math.isfinite(verdict): return verdict
        return {"error": f"the verdict is {verdict if isinstance(verdict, float) else type(verdict).__name__}"}
    def one(prompt, response):
        try:
            [verdict] = [accepts(prompt, response)] if accepts else many([(prompt, response)])
            return plain(verdict)
        except BaseException as error: return {"error": f"{type(error).__name__}: {error}"}
    hello = json.loads(lines.readline())
    refused = begin(hello["config"]) if hello["version"] == 1 else "this file speaks version 1"
    say({"pstar": "verifier", "version": 1, **({"refused": str(refused)} if refused else {"ready": True})})
    for pairs, done, since in ((json.loads(line)["pairs"], [], time.monotonic()) for line in lines):
        if many:
            try: verdicts = [plain(verdict) for verdict in many([(prompt, response) for _, prompt, response in pairs])]
            except BaseException: verdicts = []  # who is to blame is found out one by one
            if len(verdicts) == len(pairs): done, pairs = [[pair[0], v] for pair, v in zip(pairs, verdicts)], []
        for id, prompt, response in pairs:
            if done and time.monotonic() > since + 1: done, since = say({"verdicts": done, "more": True}) and [], time.monotonic()
            done.append([id, one(prompt, response)])
        say({"verdicts": done})
