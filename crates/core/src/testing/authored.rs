//! Author types, checked through the adapters that plugins export them with.

use super::model::CHECKS as MODELS;
use super::objective::CHECKS as OBJECTIVES;
use super::policy::CHECKS as POLICIES;
use super::verifier::CHECKS as VERIFIERS;
use super::{
    Check, Findings, IncrementalView, Make, ModelView, ObjectiveView, PolicyView, Subject, VerifierView, run,
};
use crate::abi::{
    AbiResult, BaseModelBox, ColumnWriter, IncrementalBox, ObjectiveBox, PolicyBox, VerifierBox,
};
use crate::adapter::{BaseModelAdapter, ObjectiveAdapter, PolicyAdapter, VerifierAdapter};
use crate::author::{
    BaseModel, GradientBatch, MAX_ANSWER, Policy, SampleRequest, Samples, ShapedParameters, Verdict, Verifier,
};
use crate::data::{Alphabet, Ending, SequenceBatch, Task};
use crate::error::PluginError;
use crate::field::Field;
use crate::objective::{Declaration, Objective, ObjectiveBatch, ObjectiveStep, PromptFacts};
use crate::rng::StreamKey;
use crate::{config, wire};

/// What a call answers.
type Answer<T> = Result<T, PluginError>;

/// Makes the object of an adapter.
type Create<B> =
    extern "C" fn(abi_stable::std_types::RStr<'_>, abi_stable::std_types::RStr<'_>) -> AbiResult<B>;

fn answer<T>(result: AbiResult<T>) -> Answer<T> {
    result.into_result().map_err(PluginError::from)
}

/// Checks a verifier with a configuration, as RON text, on pairs of a prompt and a response: valid ones and invalid ones.
/// Every check of `host check` but its audit.
///
/// It is made several times, as a plugin would be. Its alphabet is that of the pairs.
pub fn check_verifier<V: Verifier>(configuration: &str, pairs: &[(&str, &str)]) -> Findings {
    let pairs: Vec<(String, String)> = pairs.iter().map(|&(x, y)| (x.to_string(), y.to_string())).collect();
    let task = super::Questions::of(&pairs, &letters()).task;
    let task = Task { horizon: task.horizon.min(4), ..task };
    let make = |configuration: &str, task: &Task| {
        made(VerifierAdapter::<V>::create, configuration, task)
            .map(|made| Box::new(made) as Box<dyn VerifierView>)
    };
    all(VERIFIERS, (V::NAME, configuration, V::FIELDS), &task, &pairs, &make)
}

/// Checks an objective with a configuration, as RON text: every check of `host check`.
pub fn check_objective<O: Objective>(configuration: &str) -> Findings {
    let make = |configuration: &str, task: &Task| {
        made(ObjectiveAdapter::<O>::create, configuration, task)
            .map(|made| Box::new(made) as Box<dyn ObjectiveView>)
    };
    all(OBJECTIVES, (O::NAME, configuration, O::FIELDS), &letters(), &[], &make)
}

/// Checks a base model with a configuration, as RON text, on a task: every check of `host check`.
pub fn check_base_model<M: BaseModel>(configuration: &str, task: &Task) -> Findings {
    let make = |configuration: &str, task: &Task| {
        made(BaseModelAdapter::<M>::create, configuration, task)
            .map(|made| Box::new(made) as Box<dyn ModelView>)
    };
    all(MODELS, (M::NAME, configuration, M::FIELDS), task, &[], &make)
}

/// Checks a policy with a configuration, as RON text, on a task: every check of `host check`.
pub fn check_policy<P: Policy>(configuration: &str, task: &Task) -> Findings {
    let make = |configuration: &str, task: &Task| {
        made(PolicyAdapter::<P>::create, configuration, task).map(|made| Box::new(made) as Box<dyn ModelView>)
    };
    let Findings(mut findings) = all(MODELS, (P::NAME, configuration, P::FIELDS), task, &[], &make);
    let make = |configuration: &str, task: &Task| {
        made(PolicyAdapter::<P>::create, configuration, task)
            .map(|made| Box::new(made) as Box<dyn PolicyView>)
    };
    findings.extend(all(POLICIES, (P::NAME, configuration, P::FIELDS), task, &[], &make).0);
    Findings(findings)
}

/// A small task.
fn letters() -> Task {
    let alphabet =
        Alphabet::of_chars("abc", "").unwrap_or_else(|error| unreachable!("three letters: {error}"));
    Task::new(alphabet, 3, Ending::EndSymbol).with_prompts(vec![Vec::new(), vec![0, 1]])
}

fn made<B>(create: Create<B>, configuration: &str, task: &Task) -> Answer<B> {
    let text = config::options().to_string(task);
    let text = text.map_err(|error| PluginError::contract(format!("the task cannot be written: {error}")))?;
    answer(create(configuration.into(), text.as_str().into()))
}

fn all<V: ?Sized>(
    checks: &[Check<V>],
    (name, configuration, fields): (&str, &str, &[Field]),
    task: &Task,
    pairs: &[(String, String)],
    make: &Make<'_, V>,
) -> Findings {
    run(checks, &Subject { name, configuration, fields, task, pairs, asks: &|_| {}, make }, &mut ())
}

impl VerifierView for VerifierBox {
    fn judge(&self, batch: &SequenceBatch<'_>) -> Answer<Vec<Option<bool>>> {
        let mut writer = ColumnWriter::default();
        wire::put_sequences(&mut writer, batch);
        let mut numbers = vec![0; batch.len()];
        let reasons = answer(VerifierBox::judge(self, writer.columns(), numbers.as_mut_slice().into()))?;
        if reasons.is_none() {
            answer(self.verify(writer.columns(), numbers.as_mut_slice().into()))?;
        }
        let mut reasons = reasons.into_option().into_iter().flatten().map(String::from);
        let read = |number| Verdict::read(number, &mut reasons);
        let verdicts: Option<Vec<Verdict>> = numbers.into_iter().map(read).collect();
        let verdicts = verdicts.ok_or_else(|| PluginError::contract("it gave what is no verdict"))?;
        Ok(verdicts.iter().map(Verdict::is_valid).collect())
    }

    fn answers(&self, batch: &SequenceBatch<'_>) -> Answer<Option<Vec<Option<String>>>> {
        let mut writer = ColumnWriter::default();
        wire::put_sequences(&mut writer, batch);
        let Some(answers) = answer(VerifierBox::answers(self, writer.columns()))?.into_option() else {
            return Ok(None);
        };
        let answers: Vec<_> = answers.into_iter().map(|text| text.into_option().map(String::from)).collect();
        match answers.iter().flatten().find(|text| text.is_empty() || text.len() > MAX_ANSWER) {
            None => Ok(Some(answers)),
            Some(found) => Err(PluginError::contract(format!(
                "it told an answer of {} bytes, expected 1 to {MAX_ANSWER}, or none",
                found.len()
            ))),
        }
    }

    fn prompts(&self, count: usize, key: StreamKey) -> Answer<Option<Vec<String>>> {
        let prompts = answer(VerifierBox::prompts(self, count as u64, key.into()))?.into_option();
        Ok(prompts.map(|prompts| prompts.into_iter().map(String::from).collect()))
    }

    fn incremental(&self, prompt: &[u32]) -> Answer<Option<Box<dyn IncrementalView>>> {
        let view = answer(VerifierBox::incremental(self, prompt.into()))?.into_option();
        Ok(view.map(|view| Box::new(view) as Box<dyn IncrementalView>))
    }
}

impl IncrementalView for IncrementalBox {
    fn start(&mut self, horizon: usize) -> Answer<u64> {
        answer(IncrementalBox::start(self, horizon as u64))
    }

    fn accepts(&self, states: &[u64], accepts: &mut [u8]) -> Answer<()> {
        answer(IncrementalBox::accepts(self, states.into(), accepts.into()))
    }

    fn expand(&mut self, states: &[u64], remaining: usize, next: &mut [u64]) -> Answer<()> {
        answer(IncrementalBox::expand(self, states.into(), remaining as u64, next.into()))
    }
}

macro_rules! model_view {
    ($boxed:ty) => {
        impl ModelView for $boxed {
            fn sample(&self, request: &SampleRequest<'_>, key: StreamKey) -> Answer<Samples> {
                let mut writer = ColumnWriter::default();
                wire::put_request(&mut writer, request);
                wire::take_samples(answer(<$boxed>::sample(self, writer.columns(), key.into()))?)
            }

            fn score(&self, batch: &SequenceBatch<'_>, log_probs: &mut [f64]) -> Answer<()> {
                let mut writer = ColumnWriter::default();
                wire::put_sequences(&mut writer, batch);
                answer(<$boxed>::score(self, writer.columns(), log_probs.into()))
            }

            fn start(&self, prompt: &[u32]) -> Answer<Option<u64>> {
                answer(<$boxed>::start(self, prompt.into())).map(Into::into)
            }

            fn expand(
                &self,
                position: usize,
                states: &[u64],
                log_probs: &mut [f64],
                next: &mut [u64],
            ) -> Answer<()> {
                answer(<$boxed>::expand(self, position as u64, states.into(), log_probs.into(), next.into()))
            }

            fn score_outputs(&self, prompt: &[u32], log_probs: &mut [f64]) -> Answer<bool> {
                answer(<$boxed>::score_outputs(self, prompt.into(), log_probs.into()))
            }
        }
    };
}
model_view!(BaseModelBox);
model_view!(PolicyBox);

impl PolicyView for PolicyBox {
    fn parameters(&self) -> Answer<ShapedParameters> {
        let parameters = answer(PolicyBox::parameters(self))?.into_option();
        parameters.map_or_else(|| Err(PluginError::contract("it shows no parameters")), wire::take_parameters)
    }

    fn parameter_count(&self) -> Answer<usize> {
        answer(PolicyBox::parameter_count(self)).map(|count| usize::try_from(count).unwrap_or(usize::MAX))
    }

    fn set_parameters(&mut self, parameters: &[f64]) -> Answer<()> {
        answer(PolicyBox::set_parameters(self, parameters.into()))
    }

    fn randomise(&mut self, key: StreamKey) -> Answer<()> {
        answer(PolicyBox::randomise(self, key.into()))
    }

    fn gradient(&self, batch: &GradientBatch<'_>, gradient: &mut [f64]) -> Answer<()> {
        let mut writer = ColumnWriter::default();
        wire::put_gradient_batch(&mut writer, batch);
        answer(PolicyBox::gradient(self, writer.columns(), gradient.into()))
    }

    fn as_model(&self) -> &dyn ModelView {
        self
    }
}

impl ObjectiveView for ObjectiveBox {
    fn declaration(&self) -> Answer<Declaration> {
        wire::take_declaration(answer(ObjectiveBox::declaration(self))?)
    }

    fn prepare(&mut self, prompts: &[PromptFacts]) -> Answer<()> {
        let facts = wire::FactColumns::of(prompts);
        let mut writer = ColumnWriter::default();
        wire::put_facts(&mut writer, &facts);
        answer(ObjectiveBox::prepare(self, writer.columns()))
    }

    fn observe(&mut self, batch: &ObjectiveBatch<'_>) -> Answer<()> {
        let scalars = wire::ObjectiveScalars::of(batch);
        let mut writer = ColumnWriter::default();
        wire::put_objective_batch(&mut writer, batch, &scalars);
        answer(ObjectiveBox::observe(self, writer.columns()))
    }

    fn step(&mut self, batch: &ObjectiveBatch<'_>) -> Answer<ObjectiveStep> {
        let scalars = wire::ObjectiveScalars::of(batch);
        let mut writer = ColumnWriter::default();
        wire::put_objective_batch(&mut writer, batch, &scalars);
        wire::take_step(answer(ObjectiveBox::step(self, writer.columns()))?).map(ObjectiveStep::from)
    }

    fn save(&self) -> Answer<String> {
        answer(ObjectiveBox::save(self)).map(String::from)
    }

    fn restore(&mut self, state: &str) -> Answer<()> {
        answer(ObjectiveBox::restore(self, state.into()))
    }
}
