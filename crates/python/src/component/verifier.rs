//! Verifiers.

use super::configuration::{Configuration, FIELDS};
use super::declaration::type_of;
use super::instance::Instance;
use super::recognizer::PythonRecognizer;
use pstar_core::author::{Answer, Incremental, Judge, Recognizer, Verdict};
use pstar_core::data::Alphabet;
use pstar_core::{Field, PluginError, Task, Verifier};
use pyo3::prelude::*;
use pyo3::types::PyString;

/// An object of Python's that judges responses.
#[derive(Debug)]
pub(crate) struct PythonVerifier {
    instance: Instance,
    alphabet: Alphabet,
    asking: Asking,
    reads_symbols: bool,
    answers: bool,
}

/// How it is asked about whole responses.
#[derive(Clone, Copy, Debug)]
enum Asking {
    /// `judge(pairs)`
    Pairs,
    /// `accepts(prompt, response)`
    Pair,
    /// Symbol by symbol.
    Symbols,
}

impl PythonVerifier {
    fn judge(&self, pairs: &[(&str, &str)]) -> Vec<Verdict> {
        Python::attach(|py| match self.asking {
            Asking::Pair => pairs.iter().map(|&pair| self.accepts_one(py, pair)).collect(),
            Asking::Symbols => pairs.iter().map(|&pair| self.read_one(py, pair)).collect(),
            Asking::Pairs => match self.judge_all(py, pairs) {
                Ok(verdicts) => verdicts,
                // One alone has no verdict because of itself.
                Err(error) if pairs.len() == 1 => {
                    vec![Verdict::Unknown(self.instance.sentence(py, "judge", &error))]
                }
                Err(_) => pairs.iter().flat_map(|&pair| self.judge_alone(py, pair)).collect(),
            },
        })
    }

    fn judge_alone(&self, py: Python<'_>, pair: (&str, &str)) -> Vec<Verdict> {
        let judged = self.judge_all(py, &[pair]);
        judged.unwrap_or_else(|error| vec![Verdict::Unknown(self.instance.sentence(py, "judge", &error))])
    }

    /// As many verdicts as it answers.
    fn judge_all(&self, py: Python<'_>, pairs: &[(&str, &str)]) -> PyResult<Vec<Verdict>> {
        let answer = self.instance.object(py).call_method1("judge", (pairs.to_vec(),))?;
        answer.try_iter()?.map(|said| Ok(self.verdict("judge", &said?))).collect()
    }

    fn accepts_one(&self, py: Python<'_>, pair: (&str, &str)) -> Verdict {
        match self.instance.object(py).call_method1("accepts", pair) {
            Ok(said) => self.verdict("accepts", &said),
            Err(error) => Verdict::Unknown(self.instance.sentence(py, "accepts", &error)),
        }
    }

    /// The verdict of the symbols of a response, one after another.
    fn read_one(&self, py: Python<'_>, (prompt, response): (&str, &str)) -> Verdict {
        let tokens = match self.alphabet.encode(response) {
            Ok(tokens) => tokens,
            // What is made of other symbols cannot be read.
            Err(error) => return Verdict::Unknown(error.to_string()),
        };
        let recognizer = PythonRecognizer::new(py, &self.instance, prompt);
        let symbols = tokens.iter().map(|&token| self.alphabet.symbol(token).unwrap_or_default());
        let end = symbols.fold(recognizer.start(), |state, symbol| recognizer.next(&state?, symbol));
        let valid = end.is_some_and(|state| recognizer.accepts(&state));
        recognizer.take_fault().map_or(Verdict::of(valid), |fault| Verdict::Unknown(fault.message))
    }

    fn verdict(&self, method: &str, said: &Bound<'_, PyAny>) -> Verdict {
        if let Ok(valid) = said.extract::<bool>() {
            return Verdict::of(valid);
        }
        if said.is_none() {
            return Verdict::Unknown(format!("{} gave none (`None`)", self.instance.named(method)));
        }
        if let Ok(why) = said.cast::<PyString>() {
            return Verdict::Unknown(why.to_string_lossy().into_owned());
        }
        let (found, kind) =
            (said.str().map_or_else(|_| String::new(), |text| text.to_string()), type_of(said));
        Verdict::Unknown(format!(
            "{} answered `{found}` (`{kind}`), expected `True`, `False`, or `None` for no verdict",
            self.instance.named(method)
        ))
    }

    /// What the class calls the answer of a response.
    fn answer(&self, prompt: &str, response: &str) -> Option<String> {
        if !self.answers {
            return None;
        }
        Python::attach(|py| {
            let answer = self.instance.object(py).call_method1("answer", (prompt, response));
            let answer = answer.and_then(|answer| answer.extract::<Option<String>>());
            // The interface has no other way to say that a question failed than to fail.
            answer.unwrap_or_else(|error| panic!("{}", self.instance.sentence(py, "answer", &error)))
        })
    }
}

impl Verifier for PythonVerifier {
    const NAME: &'static str = "python";
    const DOC: &'static str = "valid is what a class of Python accepts";
    type Config = Configuration;
    const FIELDS: &'static [Field] = FIELDS;
    const ANSWER: Option<Answer<Self>> = Some(Self::answer);
    const JUDGE: Option<Judge<Self>> = Some(Self::judge);

    fn new(configuration: Configuration) -> Result<Self, PluginError> {
        Self::for_task(configuration, &Task::of_one_symbol())
    }

    fn for_task(configuration: Configuration, task: &Task) -> Result<Self, PluginError> {
        Python::attach(|py| {
            let instance = Instance::new(py, &configuration, task)?;
            let has = |method| instance.has(py, method);
            let reading = ["start", "read", "accepting"].map(has);
            let reads_symbols = reading.iter().all(|&has| has);
            if !reads_symbols && reading.iter().any(|&has| has) {
                let hint = "a verifier that reads symbol by symbol has `start(prompt)`, `read(state, symbol)` and \
                            `accepting(state)`";
                return Err(instance.unfit("has only some of `start`, `read` and `accepting`", hint));
            }
            let asking = match () {
                () if has("judge") => Asking::Pairs,
                () if has("accepts") => Asking::Pair,
                () if reads_symbols => Asking::Symbols,
                () => {
                    let hint = "a verifier is a class with `accepts(self, prompt, response)`, `judge(self, pairs)`, or \
                                `start(self, prompt)`, `read(self, state, symbol)` and `accepting(self, state)`";
                    return Err(instance.unfit("has no method `accepts`, `judge` or `read`", hint));
                }
            };
            let answers = has("answer");
            Ok(Self { instance, alphabet: task.alphabet.clone(), asking, reads_symbols, answers })
        })
    }

    fn accepts(&self, prompt: &str, response: &str) -> bool {
        self.judge(&[(prompt, response)]).first().and_then(Verdict::is_valid).unwrap_or(false)
    }

    fn incremental(&self, prompt: &str) -> Option<Incremental> {
        self.reads_symbols
            .then(|| Python::attach(|py| Incremental::new(PythonRecognizer::new(py, &self.instance, prompt))))
    }

    fn incremental_refusal(&self, _prompt: &str) -> Option<PluginError> {
        let message = format!("`{}` does not read symbol by symbol", self.instance.name);
        Some(PluginError::config("import", message).with_hint(
            "give it `start(prompt)`, `read(state, symbol)` and `accepting(state)` with states that are hashable",
        ))
    }
}
