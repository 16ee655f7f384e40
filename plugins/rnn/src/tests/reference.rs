//! A GRU in `f64`, one number after another, by the equations of PyTorch's documentation. Its gradient is worked out by
//! reverse accumulation, and checked against finite differences.

#![allow(clippy::needless_range_loop, reason = "as the equations are written")]

use crate::shape::GruShape;
use pstar_core::data::SequenceBatch;
use pstar_neural::network::{Shape, Tensor};

pub(super) struct Reference<'a> {
    shape: GruShape,
    parameters: &'a [f64],
}

/// What one step of a layer leaves behind.
struct Step {
    input: Vec<f64>,
    before: Vec<f64>,
    r: Vec<f64>,
    z: Vec<f64>,
    n: Vec<f64>,
    product: Vec<f64>,
    after: Vec<f64>,
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

impl<'a> Reference<'a> {
    pub(super) fn new(shape: GruShape, parameters: &'a [f64]) -> Self {
        Self { shape, parameters }
    }

    /// Where a tensor starts.
    fn start(&self, name: &str) -> usize {
        self.shape.tensors().iter().take_while(|tensor| tensor.name != name).map(Tensor::len).sum()
    }

    /// Row `row` of W x + b.
    fn linear(&self, weight: usize, bias: usize, row: usize, x: &[f64]) -> f64 {
        let weights = &self.parameters[weight + row * x.len()..][..x.len()];
        weights.iter().zip(x).map(|(w, x)| w * x).sum::<f64>() + self.parameters[bias + row]
    }

    fn starts(&self, layer: usize) -> [usize; 4] {
        ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]
            .map(|name| self.start(&format!("gru.{name}_l{layer}")))
    }

    fn step(&self, layer: usize, input: Vec<f64>, before: Vec<f64>) -> Step {
        let hidden = self.shape.hidden;
        let [w_ih, w_hh, b_ih, b_hh] = self.starts(layer);
        let gate = |gate: usize, unit: usize| {
            let row = gate * hidden + unit;
            (self.linear(w_ih, b_ih, row, &input), self.linear(w_hh, b_hh, row, &before))
        };
        let both = |which: usize| -> Vec<f64> {
            (0..hidden).map(|unit| gate(which, unit)).map(|(i, h)| sigmoid(i + h)).collect()
        };
        let (r, z) = (both(0), both(1));
        let product: Vec<f64> = (0..hidden).map(|unit| gate(2, unit).1).collect();
        let n: Vec<f64> = (0..hidden).map(|u| (gate(2, u).0 + r[u] * product[u]).tanh()).collect();
        let after = (0..hidden).map(|u| (1.0 - z[u]) * n[u] + z[u] * before[u]).collect();
        Step { input, before, r, z, n, product, after }
    }

    /// The steps of a sequence (by time, then layer) and the probabilities behind each.
    fn run(&self, read: &[u32]) -> Vec<(Vec<Step>, Vec<f64>)> {
        let (embedding, hidden) = (self.shape.embedding, self.shape.hidden);
        let mut states = vec![vec![0.0; hidden]; self.shape.layers];
        let (weight, bias) = (self.start("output.weight"), self.start("output.bias"));
        read.iter()
            .map(|&token| {
                let mut input = self.parameters[token as usize * embedding..][..embedding].to_vec();
                let mut steps = Vec::new();
                for (layer, state) in states.iter_mut().enumerate() {
                    let step = self.step(layer, input, state.clone());
                    state.clone_from(&step.after);
                    input = step.after.clone();
                    steps.push(step);
                }
                let logits: Vec<f64> =
                    (0..self.shape.choices).map(|k| self.linear(weight, bias, k, &input)).collect();
                let norm: f64 = logits.iter().map(|x| x.exp()).sum();
                (steps, logits.iter().map(|x| x.exp() / norm).collect())
            })
            .collect()
    }

    /// The tokens that a sequence reads, and how many of them before it chooses.
    fn read(batch: &SequenceBatch<'_>, i: usize, start: u32) -> (Vec<u32>, usize) {
        let tokens = batch.tokens().row(i);
        let prompt = batch.prompt(i);
        let behind = &tokens[..tokens.len() - 1];
        ([start].iter().chain(prompt).chain(behind).copied().collect(), prompt.len())
    }

    /// How many tokens differ from those that uniform numbers pick, all of which must be within rounding.
    pub(super) fn check_picks(
        &self,
        start: u32,
        batch: &SequenceBatch<'_>,
        uniform: impl Fn(usize, usize) -> f64,
    ) -> usize {
        let mut near = 0;
        for i in 0..batch.len() {
            let (read, lead) = Self::read(batch, i, start);
            for (t, (_, probs)) in self.run(&read)[lead..].iter().enumerate() {
                let (u, token) = (uniform(i, t), batch.tokens().row(i)[t] as usize);
                let below: f64 = probs[..token].iter().sum();
                if u < below || u >= below + probs[token] {
                    assert!(u > below - 1e-5 && u < below + probs[token] + 1e-5);
                    near += 1;
                }
            }
        }
        near
    }

    /// The log-probabilities of all tokens, and Σ w (c ∇ log q + e ∇ H).
    pub(super) fn gradient(
        &self,
        start: u32,
        batch: &SequenceBatch<'_>,
        weights: &[f64],
        [coefficients, entropies]: [&[f64]; 2],
    ) -> (Vec<f64>, Vec<f64>) {
        let mut log_probs = Vec::new();
        let mut gradient = vec![0.0; self.parameters.len()];
        for i in 0..batch.len() {
            let (read, lead) = Self::read(batch, i, start);
            let run = self.run(&read);
            let mut carry = vec![vec![0.0; self.shape.hidden]; self.shape.layers];
            let first = log_probs.len();
            let tokens = batch.tokens().row(i);
            log_probs.extend(tokens.iter().zip(&run[lead..]).map(|(&token, (_, p))| p[token as usize].ln()));
            for (time, (steps, probs)) in run.iter().enumerate().rev() {
                if let Some(t) = time.checked_sub(lead) {
                    let coefficient = weights[i] * coefficients[first + t];
                    let bonus = weights[i] * entropies[first + t];
                    let entropy = -probs.iter().map(|p| p * p.ln()).sum::<f64>();
                    let top = &steps[self.shape.layers - 1].after;
                    for (k, p) in probs.iter().enumerate() {
                        let d = coefficient * (f64::from(u8::from(k == tokens[t] as usize)) - p)
                            - bonus * p * (p.ln() + entropy);
                        let out = &mut carry[self.shape.layers - 1];
                        self.back("output.weight", "output.bias", k, d, top, out, &mut gradient);
                    }
                }
                let token = read[time] as usize;
                self.step_back(steps, token, &mut carry, &mut gradient);
            }
        }
        (log_probs, gradient)
    }

    /// Passes the gradient d at row `row` of W x + b back to W, b and x.
    #[allow(clippy::too_many_arguments, reason = "a test helper")]
    fn back(&self, w: &str, b: &str, row: usize, d: f64, x: &[f64], to_x: &mut [f64], gradient: &mut [f64]) {
        let (w, b) = (self.start(w) + row * x.len(), self.start(b) + row);
        gradient[b] += d;
        for (k, (x, to_x)) in x.iter().zip(to_x).enumerate() {
            gradient[w + k] += d * x;
            *to_x += d * self.parameters[w + k];
        }
    }

    fn step_back(&self, steps: &[Step], token: usize, carry: &mut [Vec<f64>], gradient: &mut [f64]) {
        let hidden = self.shape.hidden;
        for (layer, step) in steps.iter().enumerate().rev() {
            let d = std::mem::replace(&mut carry[layer], vec![0.0; hidden]);
            let mut to_input = vec![0.0; step.input.len()];
            let mut to_before: Vec<f64> = d.iter().zip(&step.z).map(|(d, z)| d * z).collect();
            let name = |part: &str| format!("gru.{part}_l{layer}");
            for u in 0..hidden {
                let (r, z, n) = (step.r[u], step.z[u], step.n[u]);
                let d_n = d[u] * (1.0 - z) * (1.0 - n * n);
                let d_z = d[u] * (step.before[u] - n) * z * (1.0 - z);
                let d_r = d_n * step.product[u] * r * (1.0 - r);
                for (gate, at_input, at_state) in [(0, d_r, d_r), (1, d_z, d_z), (2, d_n, d_n * r)] {
                    let row = gate * hidden + u;
                    let (w, b) = (name("weight_ih"), name("bias_ih"));
                    self.back(&w, &b, row, at_input, &step.input, &mut to_input, gradient);
                    let (w, b) = (name("weight_hh"), name("bias_hh"));
                    self.back(&w, &b, row, at_state, &step.before, &mut to_before, gradient);
                }
            }
            carry[layer] = to_before;
            let below: &mut [f64] = match layer.checked_sub(1) {
                Some(below) => &mut carry[below],
                None => &mut gradient[token * self.shape.embedding..],
            };
            below.iter_mut().zip(&to_input).for_each(|(below, d)| *below += d);
        }
    }
}

/// Central differences with step h = 1e-5: truncation error of order h², rounding of order 1e-16 / h.
#[test]
fn the_gradient_of_the_reference_is_the_finite_difference() {
    use super::*;
    for size in [(3, 1, 2, Ending::EndSymbol), (2, 2, 3, Ending::FixedLength)] {
        let policy = policy(size, 4);
        let (prompt_of, sample) = rows(7);
        let prompts = prompts();
        let samples = draw(&policy, &prompts, &prompt_of, &sample);
        let batch = SequenceBatch::new(prompts.view(), &prompt_of, samples.tokens.view()).unwrap();
        let (weights, coefficients) = (wave(7, 0.3), wave(samples.log_probs.len(), 1.7));
        let none = vec![0.0; coefficients.len()];
        let shape = policy.network().shape;
        let value = |parameters: &[f64]| {
            let (log_probs, _) =
                Reference::new(shape, parameters).gradient(3, &batch, &weights, [&coefficients, &none]);
            let rows = samples.tokens.view();
            let weight_of = rows.rows().zip(&weights).flat_map(|(row, &w)| row.iter().map(move |_| w));
            log_probs.iter().zip(&coefficients).zip(weight_of).map(|((x, c), w)| w * c * x).sum::<f64>()
        };
        let (_, gradient) =
            Reference::new(shape, policy.values()).gradient(3, &batch, &weights, [&coefficients, &none]);
        for (place, exact) in gradient.iter().enumerate() {
            let shifted = |h: f64| {
                let mut parameters = policy.values().to_vec();
                parameters[place] += h;
                value(&parameters)
            };
            let difference = (shifted(1e-5) - shifted(-1e-5)) / 2e-5;
            assert!((exact - difference).abs() < 1e-8, "{}: {exact} {difference}", shape.name_of(place));
        }
    }
}
