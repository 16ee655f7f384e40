//! What two verifiers say of the responses of a base, in masses.

/// How a mass was had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum How {
    /// Exactly.
    #[default]
    Exactly,
    /// From so many samples.
    Samples(u64),
}

/// Masses by what the verifier says, and what the reference says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Joint {
    /// `mass[verifier][reference]`, 1 for valid.
    pub(super) mass: [[f64; 2]; 2],
    how: How,
    /// A response that the verifier alone accepts, and one that the reference alone does.
    examples: [Option<String>; 2],
    prompts: usize,
    /// Least and greatest mass that is accepted of a prompt.
    range: Option<[f64; 2]>,
}

impl Joint {
    /// Of so many samples.
    pub(super) fn estimated(samples: u64) -> Self {
        Self { how: How::Samples(samples), ..Self::default() }
    }

    /// A mass for two verdicts.
    pub(super) fn put(&mut self, [verifier, reference]: [bool; 2], mass: f64) {
        self.mass[usize::from(verifier)][usize::from(reference)] += mass;
    }

    /// An example, where one is wanted yet.
    pub(super) fn example(&mut self, [verifier, reference]: [bool; 2], quoted: impl FnOnce() -> String) {
        if verifier != reference {
            self.examples[usize::from(reference)].get_or_insert_with(quoted);
        }
    }

    fn valid(&self) -> f64 {
        self.mass[1].iter().sum()
    }

    /// Adds what was found of a prompt of a weight.
    pub(super) fn add(&mut self, of_prompt: &Self, weight: f64) {
        for (sum, mass) in self.mass.iter_mut().flatten().zip(of_prompt.mass.iter().flatten()) {
            *sum += weight * mass;
        }
        self.how = match (self.how, of_prompt.how) {
            (How::Exactly, how) | (how, How::Exactly) => how,
            (How::Samples(a), How::Samples(b)) => How::Samples(a + b),
        };
        for (known, found) in self.examples.iter_mut().zip(&of_prompt.examples) {
            if known.is_none() {
                known.clone_from(found);
            }
        }
        let valid = of_prompt.valid();
        let [least, most] = self.range.unwrap_or([valid; 2]);
        self.range = Some([least.min(valid), most.max(valid)]);
        self.prompts += 1;
    }

    /// The mass of what is accepted, in words.
    pub(super) fn accepted(&self) -> String {
        let valid = self.share(self.valid(), 1.0);
        let range = match self.range {
            Some([least, most]) if self.prompts > 1 => {
                format!(", over {} prompts from {least:.6} to {most:.6}", self.prompts)
            }
            _ => String::new(),
        };
        format!("it accepts {valid} of what the base says{range}")
    }

    /// The rates at which the two differ, in words.
    pub(super) fn rates(&self) -> String {
        let [[both_refuse, refused], [accepted, both_accept]] = self.mass;
        let rate = |name: &str, wrong: f64, of: f64, which: &str, example: &Option<String>| {
            let example = example.as_ref().map(|quoted| format!(", such as {quoted}")).unwrap_or_default();
            if of > 0.0 {
                format!("{name}: {} of what the reference calls {which}{example}", self.share(wrong, of))
            } else {
                format!("{name}: the base says nothing that the reference calls {which}")
            }
        };
        let positives =
            rate("accepted wrongly", accepted, accepted + both_refuse, "invalid", &self.examples[0]);
        let negatives = rate("refused wrongly", refused, refused + both_accept, "valid", &self.examples[1]);
        format!("{positives}; {negatives}")
    }

    /// A share, with what is known of it.
    fn share(&self, part: f64, of: f64) -> String {
        let share = part / of;
        match self.how {
            How::Exactly => format!("{share:.6} (exact)"),
            How::Samples(count) => {
                let [low, high] = wilson(share, of * count as f64);
                format!("{share:.4} (95 % interval {low:.4} to {high:.4}, {count} samples)")
            }
        }
    }
}

/// Wilson's 95 % interval of a share of a number of draws: Wilson (1927), *Probable inference, the law of succession, and
/// statistical inference*.
fn wilson(share: f64, draws: f64) -> [f64; 2] {
    const Z: f64 = 1.959_963_984_540_054;
    let squared = Z * Z / draws;
    let middle = share + squared / 2.0;
    let half = Z * (share * (1.0 - share) / draws + squared / (4.0 * draws)).sqrt();
    [(middle - half) / (1.0 + squared), (middle + half) / (1.0 + squared)].map(|x| x.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 8 of 20 and 0 of 10, from the quadratic (p − s)² = z² p (1 − p)/n solved by hand.
    #[test]
    fn intervals_are_wilsons() {
        for (share, draws) in [(0.4, 20.0), (0.0, 10.0), (1.0, 7.0), (0.25, 4096.0)] {
            for bound in wilson(share, draws) {
                let distance = (bound - share) * (bound - share);
                let expected = 3.841_458_820_694_124 * bound * (1.0 - bound) / draws;
                assert!((distance - expected).abs() < 1e-12, "{share} of {draws}: {bound}");
            }
        }
    }

    #[test]
    fn rates_are_conditional() {
        let mut of_prompt = Joint::default();
        of_prompt.put([true, false], 0.1);
        of_prompt.put([false, false], 0.3);
        of_prompt.put([false, true], 0.15);
        of_prompt.put([true, true], 0.45);
        of_prompt.example([true, false], || "`a` to ``".into());
        let mut joint = Joint::default();
        joint.add(&of_prompt, 1.0);
        let rates = joint.rates();
        assert!(rates.contains("accepted wrongly: 0.250000 (exact)"), "{rates}");
        assert!(rates.contains("refused wrongly: 0.250000 (exact)"), "{rates}");
        assert!(rates.contains("such as `a` to ``") && joint.accepted().contains("0.550000"), "{rates}");
    }
}
