//! A transformer in `f64`, one number after another, by the equations of the papers. Gradients of the network are checked
//! against its finite differences.

use crate::shape::{Mlp, Norm, Positions, TransformerShape};
use pstar_neural::network::{Shape, Tensor};
use std::collections::BTreeMap;

pub(super) struct Reference<'a> {
    shape: &'a TransformerShape,
    tensors: BTreeMap<String, &'a [f64]>,
}

type Rows = Vec<Vec<f64>>;

impl<'a> Reference<'a> {
    pub(super) fn new(shape: &'a TransformerShape, parameters: &'a [f64]) -> Self {
        let mut rest = parameters;
        let mut take = |tensor: Tensor| {
            let (values, behind) = rest.split_at(tensor.len());
            rest = behind;
            (tensor.name, values)
        };
        Self { shape, tensors: shape.tensors().into_iter().map(&mut take).collect() }
    }

    /// A tensor, if there is one of the name.
    fn tensor(&self, name: &str) -> Option<&'a [f64]> {
        self.tensors.get(name).copied()
    }

    fn linear(&self, name: &str, x: &Rows) -> Rows {
        let weight = self.tensor(&format!("{name}.weight")).unwrap();
        let bias = self.tensor(&format!("{name}.bias"));
        let row = |x: &Vec<f64>| {
            let product = |w: &[f64]| w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
            let rows = weight.chunks_exact(x.len()).map(product);
            rows.enumerate().map(|(i, y)| y + bias.map_or(0.0, |bias| bias[i])).collect()
        };
        x.iter().map(row).collect()
    }

    fn norm(&self, name: &str, x: &Rows) -> Rows {
        let gain = self.tensor(&format!("{name}.weight")).unwrap();
        let bias = self.tensor(&format!("{name}.bias"));
        let row = |x: &Vec<f64>| {
            let n = x.len() as f64;
            let mean = if self.shape.norm == Norm::Layer { x.iter().sum::<f64>() / n } else { 0.0 };
            let variance = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
            let scale = 1.0 / (variance + self.shape.epsilon).sqrt();
            let at = |i: usize| (x[i] - mean) * scale * gain[i] + bias.map_or(0.0, |bias| bias[i]);
            (0..x.len()).map(at).collect()
        };
        x.iter().map(row).collect()
    }

    /// Turns a head by its place.
    fn turned(&self, head: &[f64], place: usize) -> Vec<f64> {
        let Positions::Rotary(theta) = self.shape.positions else { return head.to_vec() };
        let half = head.len() / 2;
        let mut out = head.to_vec();
        for j in 0..half {
            let angle = place as f64 / theta.powf(2.0 * j as f64 / head.len() as f64);
            out[j] = head[j] * angle.cos() - head[j + half] * angle.sin();
            out[j + half] = head[j + half] * angle.cos() + head[j] * angle.sin();
        }
        out
    }

    fn attention(&self, name: &str, x: &Rows) -> Rows {
        let size = self.shape.head_size;
        let [queries, keys, values] =
            ["q", "k", "v"].map(|which| self.linear(&format!("{name}.{which}_proj"), x));
        let group = self.shape.heads / self.shape.kv_heads;
        let answer = |t: usize| {
            let mut answer = Vec::new();
            for head in 0..self.shape.heads {
                let at = |rows: &Rows, t: usize, head: usize| rows[t][head * size..][..size].to_vec();
                let query = self.turned(&at(&queries, t, head), t);
                let score = |s: usize| {
                    let key = self.turned(&at(&keys, s, head / group), s);
                    query.iter().zip(&key).map(|(q, k)| q * k).sum::<f64>() / (size as f64).sqrt()
                };
                let scores: Vec<f64> = (0..=t).map(score).collect();
                let greatest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let weights: Vec<f64> = scores.iter().map(|s| (s - greatest).exp()).collect();
                let sum: f64 = weights.iter().sum();
                for j in 0..size {
                    let values = (0..=t).map(|s| weights[s] / sum * at(&values, s, head / group)[j]);
                    answer.push(values.sum());
                }
            }
            answer
        };
        self.linear(&format!("{name}.o_proj"), &(0..x.len()).map(answer).collect())
    }

    fn mlp(&self, name: &str, x: &Rows) -> Rows {
        let up = self.linear(&format!("{name}.up_proj"), x);
        let activated = match self.shape.mlp {
            Mlp::Gelu => {
                let c = (2.0 / std::f64::consts::PI).sqrt();
                let gelu = |u: f64| 0.5 * u * (1.0 + (c * (u + 0.044_715 * u.powi(3))).tanh());
                up.iter().map(|row| row.iter().map(|&u| gelu(u)).collect()).collect()
            }
            Mlp::SwiGlu => {
                let gate = self.linear(&format!("{name}.gate_proj"), x);
                let gated = |(g, u): (&Vec<f64>, &Vec<f64>)| {
                    g.iter().zip(u).map(|(g, u)| g / (1.0 + (-g).exp()) * u).collect()
                };
                gate.iter().zip(&up).map(gated).collect()
            }
        };
        self.linear(&format!("{name}.down_proj"), &activated)
    }

    /// Log-probabilities of all choices behind each of the tokens, which are rows of the embedding.
    pub(super) fn log_probs(&self, tokens: &[u32]) -> Rows {
        let width = self.shape.width;
        let embedding = self.tensor("model.embed_tokens.weight").unwrap();
        let positions = self.tensor("model.embed_positions.weight");
        let embed = |(place, &token): (usize, &u32)| {
            let at = |i: usize| {
                embedding[token as usize * width + i]
                    + positions.map_or(0.0, |positions| positions[place * width + i])
            };
            (0..width).map(at).collect()
        };
        let mut x: Rows = tokens.iter().enumerate().map(embed).collect();
        let add = |x: &mut Rows, y: &Rows| {
            for (x, y) in x.iter_mut().zip(y) {
                x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
            }
        };
        for layer in 0..self.shape.layers {
            let name = |part: &str| format!("model.layers.{layer}.{part}");
            let normalised = self.norm(&name("input_layernorm"), &x);
            add(&mut x, &self.attention(&name("self_attn"), &normalised));
            let normalised = self.norm(&name("post_attention_layernorm"), &x);
            add(&mut x, &self.mlp(&name("mlp"), &normalised));
        }
        let x = self.norm("model.norm", &x);
        let head = if self.shape.tied { embedding } else { self.tensor("lm_head.weight").unwrap() };
        let row = |x: &Vec<f64>| {
            let logit = |k: usize| (0..width).map(|i| head[k * width + i] * x[i]).sum::<f64>();
            let logits: Vec<f64> = (0..self.shape.choices).map(logit).collect();
            let greatest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum = logits.iter().map(|x| (x - greatest).exp()).sum::<f64>().ln() + greatest;
            logits.iter().map(|x| x - sum).collect()
        };
        x.iter().map(row).collect()
    }
}
