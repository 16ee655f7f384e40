use std::convert::Infallible;

use proptest::prelude::*;

use pstar_core::data::Ending;

use super::*;
use crate::testing::assert_close;
use crate::{
    Acceptor, Divergences, ExplicitAutomaton, FilteredModel, FiniteState, LayeredAutomaton, ModelRows,
    Orders, OutputSpace, OutputTable, PowerModel, Product, PromptedModel, Role, Split, Summary, Targets,
    TiltedModel, ValidSet, WeightedProduct, enumerate,
};

/// An automaton with explicit rows, one table a position.
#[derive(Clone, Debug)]
struct Model {
    symbols: usize,
    choices: usize,
    next: Vec<u64>,
    /// Positions × states × choices.
    probs: Vec<Vec<f64>>,
}

impl FiniteState for Model {
    type Error = Infallible;

    fn expand(
        &self,
        position: usize,
        states: &[u64],
        log_probs: &mut [f64],
        next: &mut [u64],
    ) -> Result<(), Infallible> {
        let table = &self.probs[position.min(self.probs.len() - 1)];
        for (i, &state) in states.iter().enumerate() {
            let state = usize::try_from(state).unwrap();
            for c in 0..self.choices {
                log_probs[i * self.choices + c] = pstar_core::math::ln(table[state * self.choices + c]);
            }
            next[i * self.symbols..(i + 1) * self.symbols]
                .copy_from_slice(&self.next[state * self.symbols..(state + 1) * self.symbols]);
        }
        Ok(())
    }
}

fn started(model: &Model) -> PromptedModel<'_, Infallible> {
    PromptedModel { model, start: 0 }
}

/// A row of probabilities from small integers, zeros among them.
fn row(choices: usize) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(0u32..6, choices).prop_map(|counts| {
        let total: u32 = counts.iter().sum();
        match total {
            0 => vec![1.0 / counts.len() as f64; counts.len()],
            _ => counts.iter().map(|&count| f64::from(count) / f64::from(total)).collect(),
        }
    })
}

fn model(symbols: usize, choices: usize, positions: usize) -> impl Strategy<Value = Model> {
    (1usize..4).prop_flat_map(move |states| {
        let table = prop::collection::vec(row(choices), states).prop_map(|rows| rows.concat());
        (
            prop::collection::vec(0..states as u64, states * symbols),
            prop::collection::vec(table, 1..=positions),
        )
            .prop_map(move |(next, probs)| Model { symbols, choices, next, probs })
    })
}

fn verifier(symbols: usize) -> impl Strategy<Value = ExplicitAutomaton> {
    (1usize..5).prop_flat_map(move |states| {
        let target = prop_oneof![4 => 0..states as u64, 1 => Just(u64::MAX)];
        (prop::collection::vec(target, states * symbols), prop::collection::vec(any::<bool>(), states))
            .prop_map(move |(next, accepts)| ExplicitAutomaton { symbols, next, accepts })
    })
}

#[derive(Clone, Debug)]
struct Case {
    space: OutputSpace,
    base: Model,
    policy: Model,
    verifier: ExplicitAutomaton,
    truncated_is_invalid: bool,
}

fn case() -> impl Strategy<Value = Case> {
    (1usize..4, 1usize..6, any::<bool>(), any::<bool>()).prop_flat_map(|(symbols, horizon, ends, refuses)| {
        let ending = if ends { Ending::EndSymbol } else { Ending::FixedLength };
        let space = OutputSpace { symbols, horizon, ending };
        let model = || model(symbols, space.choices(), horizon);
        (model(), model(), verifier(symbols)).prop_map(move |(base, policy, verifier)| Case {
            space,
            base,
            policy,
            verifier,
            truncated_is_invalid: refuses,
        })
    })
}

impl Case {
    fn table(&self, model: &Model) -> OutputTable {
        let Ok(automaton) = LayeredAutomaton::explore(model, 0, self.space);
        let mut table = OutputTable::default();
        enumerate(&automaton, &mut table);
        table
    }

    fn valid(&self) -> ValidSet {
        let mut tokens = Vec::new();
        let accepts = |index: u64, tokens: &mut Vec<u32>| {
            self.space.tokens(index, tokens);
            let mut state = 0u64;
            for &symbol in tokens.iter().filter(|&&token| (token as usize) < self.space.symbols) {
                if state != u64::MAX {
                    let at = usize::try_from(state).unwrap() * self.space.symbols + symbol as usize;
                    state = self.verifier.next[at];
                }
            }
            let refused = self.truncated_is_invalid && self.space.is_truncated(index);
            state != u64::MAX && self.verifier.accepts[usize::try_from(state).unwrap()] && !refused
        };
        ValidSet::new((0..self.space.count().unwrap()).map(|index| accepts(index, &mut tokens)).collect())
    }

    fn acceptor(&self) -> Acceptor {
        Acceptor::explore(&mut self.verifier.clone(), self.space, self.truncated_is_invalid, 100).unwrap()
    }
}

fn assert_same_option(found: Option<f64>, expected: Option<f64>, tolerance: f64) {
    assert_eq!(found.is_some(), expected.is_some(), "{found:?} {expected:?}");
    if let (Some(found), Some(expected)) = (found, expected) {
        assert_close(found, expected, tolerance);
    }
}

fn assert_same_split(found: &Split, expected: &Split) {
    for (found, expected) in [(found.valid, expected.valid), (found.invalid, expected.invalid)] {
        assert_eq!(found.is_empty(), expected.is_empty());
        assert_close(found.mass, expected.mass, 1e-14);
        assert_close(found.log_mass, expected.log_mass, 1e-12);
        assert_close(found.entropy, expected.entropy, 1e-12);
        assert_close(found.log_collision, expected.log_collision, 1e-12);
        assert_close(found.top1, expected.top1, 1e-12);
        assert_close(found.log_top1, expected.log_top1, 1e-12);
    }
}

/// Ordinary ones, and next to 0 and 1, where the divergence is that of a vanishing difference.
const ALPHAS: [f64; 19] = [
    0.25,
    0.5,
    0.9,
    -0.5,
    1.5,
    0.0,
    1.0,
    1e-3,
    1e-6,
    1e-9,
    1e-12,
    1e-15,
    -1e-9,
    1e-300,
    0.999,
    1.0 - 1e-9,
    1.0 - 1e-12,
    1.0 - 1e-15,
    1.0 + 1e-9,
];

fn compare(case: &Case, acceptor: &Acceptor) {
    let (base, policy, valid) = (case.table(&case.base), case.table(&case.policy), case.valid());
    let product = Product::explore(&[started(&case.base), started(&case.policy)], acceptor, 10_000).unwrap();
    let rows = [
        ModelRows::of(&product, Role::Base, started(&case.base)).unwrap(),
        ModelRows::of(&product, Role::Policy, started(&case.policy)).unwrap(),
    ];
    let weighted = WeightedProduct { product: &product, base: &rows[0], policy: &rows[1] };
    let base_split = Split::of(base.view(), &valid);
    assert_same_split(&split(&weighted, Role::Base), &base_split);
    let filtered = FilteredModel::new(base.view(), &valid, &base_split);
    let tilted: Vec<TiltedModel> = [0.1, 1.0].map(|beta| TiltedModel::new(beta, &base_split)).to_vec();
    let orders = Orders { alphas: &ALPHAS, powers: &[0.0, 0.3, 1.0, -1.0, 2.0] };
    let targets = Targets {
        base: base.view(),
        valid: &valid,
        split: &base_split,
        filtered: filtered.as_ref(),
        tilted: &tilted,
    };
    let policy_split = Split::of(policy.view(), &valid);
    let (_, expected) = Divergences::with_split(policy.view(), &targets, &orders);
    let (found_split, found) = divergences(&weighted, &base_split, &tilted, &orders);
    assert_same_split(&found_split, &policy_split);
    assert_close(found.kl_to_base, expected.kl_to_base, 1e-12);
    assert_close(found.kl_from_base, expected.kl_from_base, 1e-12);
    assert_same_option(found.kl_to_filtered, expected.kl_to_filtered, 1e-12);
    assert_same_option(found.kl_from_filtered, expected.kl_from_filtered, 1e-12);
    assert_same_option(found.hellinger2_to_filtered, expected.hellinger2_to_filtered, 1e-12);
    assert_same_option(found.kl_from_uniform_valid, expected.kl_from_uniform_valid, 1e-12);
    assert_same_option(found.top1_valid, expected.top1_valid, 1e-13);
    assert_eq!((found.tv_to_filtered, found.js_to_filtered), (None, None));
    assert_same_option(found.log_top1_valid, expected.log_top1_valid, 1e-12);
    let families = [
        (&found.alpha_divergence, &expected.alpha_divergence),
        (&found.power_sums, &expected.power_sums),
        (&found.log_power_sums, &expected.log_power_sums),
    ];
    for (found, expected) in families {
        for (&found, &expected) in found.iter().zip(expected.iter()) {
            let size = expected.filter(|x| x.is_finite()).unwrap_or(0.0).abs();
            assert_same_option(found, expected, 1e-12 * (1.0 + size));
        }
    }
    compare_powers(&weighted, filtered.as_ref(), [policy.view(), base.view()], &valid, &expected);
    for (found, expected) in found.kl_to_tilted.iter().zip(&expected.kl_to_tilted) {
        assert_close(*found, *expected, 1e-11);
    }
    for (found, expected) in found.kl_from_tilted.iter().zip(&expected.kl_from_tilted) {
        assert_close(*found, *expected, 1e-11);
    }
}

/// Flat, all but flat, ordinary, the filtered model and all but it, and so sharp that little but the likeliest is left.
const POWERS: [f64; 9] = [0.0, 1e-12, 0.3, 1.0, 1.0 + 1e-12, 1.7, 5.0, 60.0, 1e6];

fn compare_powers(
    weighted: &WeightedProduct<'_>,
    filtered: Option<&FilteredModel>,
    [policy, base]: [crate::Distribution<'_>; 2],
    valid: &ValidSet,
    to_filtered: &Divergences,
) {
    for power in POWERS {
        let found = PowerChain::new(weighted, power);
        let Some(filtered) = filtered else {
            assert!(found.is_none());
            continue;
        };
        let (found, expected) = (found.unwrap(), PowerModel::new(power, filtered));
        // The rounding of log a counts α times.
        let tolerance = 1e-12 * (1.0 + power);
        let (figures, known) = (found.figures(&filtered.base), expected.figures);
        assert_close(figures.log_partition, known.log_partition, tolerance);
        for (found, expected) in [
            (figures.valid.entropy, known.valid.entropy),
            (figures.valid.log_collision, known.valid.log_collision),
            (figures.valid.log_top1, known.valid.log_top1),
            (figures.kl_to_base, known.kl_to_base),
            (figures.kl_to_filtered, known.kl_to_filtered),
            (figures.kl_from_filtered, known.kl_from_filtered),
        ] {
            assert_close(found, expected, tolerance * (1.0 + expected.abs()));
        }
        let k = [1, 7, 1000];
        let coverage = Summary::of_power(&expected, &k).coverage_at;
        for (found, expected) in found.coverage_at(&k, 1 << 20).into_iter().zip(coverage) {
            assert_same_option(found, expected, tolerance * (1.0 + expected.unwrap()));
        }
        let others = [to_filtered.kl_to_filtered, to_filtered.kl_from_filtered].map(Option::unwrap);
        let expected_kls = expected.divergences(policy, valid, others);
        for (found, expected) in found.divergences(others).into_iter().zip(expected_kls) {
            let size = if expected.is_finite() { expected.abs() } else { 0.0 };
            assert_close(found, expected, tolerance * (1.0 + size));
        }
        // Its distance from the base is that of the base as a policy.
        let own = expected.divergences(base, valid, [0.0; 2])[1];
        assert_close(own, known.kl_to_base, tolerance * (1.0 + own.abs()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn equals_enumeration(case in case()) {
        compare(&case, &case.acceptor());
        compare(&case, &Acceptor::of_valid_set(&case.valid(), case.space));
    }
}

/// Independent symbols: valid is an even number of the first, of probability p.
fn even(symbols: usize, horizon: usize, p: f64) -> (Model, Acceptor) {
    let rest = (1.0 - p) / (symbols as f64 - 1.0);
    let probs = (0..symbols).map(|symbol| if symbol == 0 { p } else { rest }).collect();
    let model = Model { symbols, choices: symbols, next: vec![0; symbols], probs: vec![probs] };
    let next = (0..2 * symbols)
        .map(|i| if i % symbols == 0 { 1 - (i / symbols) as u64 } else { (i / symbols) as u64 });
    let mut verifier = ExplicitAutomaton { symbols, next: next.collect(), accepts: vec![true, false] };
    let space = OutputSpace { symbols, horizon, ending: Ending::FixedLength };
    let acceptor = Acceptor::explore(&mut verifier, space, false, 10).unwrap();
    (model, acceptor)
}

#[test]
fn parity_of_forty_symbols_has_a_closed_form() {
    let (horizon, p) = (40, 0.3);
    let (base, acceptor) = even(8, horizon, p);
    let (policy, _) = even(8, horizon, 0.1);
    let product = Product::explore(&[started(&base), started(&policy)], &acceptor, 1000).unwrap();
    assert!(product.states() < 12, "equal layers share: {}", product.states());
    let rows = [&base, &policy].map(started);
    let base_rows = ModelRows::of(&product, Role::Base, rows[0]).unwrap();
    let policy_rows = ModelRows::of(&product, Role::Policy, rows[1]).unwrap();
    let weighted = WeightedProduct { product: &product, base: &base_rows, policy: &policy_rows };
    let split = split(&weighted, Role::Base);
    let a1 = 0.5 * (1.0 + (1.0 - 2.0 * p).powi(40));
    assert_close(split.valid.mass, a1, 1e-14);
    let orders = Orders { alphas: &[0.5], powers: &[] };
    let (_, found) = divergences(&weighted, &split, &[], &orders);
    let one = p * (p / 0.1).ln() + 0.7 * (0.7f64 / 0.9).ln();
    assert_close(found.kl_from_base, 40.0 * one, 1e-11);
    let one = 0.1 * (0.1 / p).ln() + 0.9 * (0.9f64 / 0.7).ln();
    assert_close(found.kl_to_base, 40.0 * one, 1e-11);
    // Σ_valid √(a q) = ½ [(x + y)^T + (y − x)^T] with x, y the roots of both symbol classes.
    let (x, y) = ((p * 0.1).sqrt(), (0.7f64 * 0.9).sqrt());
    let overlap = 0.5 * ((x + y).powi(40) + (y - x).powi(40)) / a1.sqrt();
    assert_close(found.hellinger2_to_filtered.unwrap(), 1.0 - overlap, 1e-13);
    assert_close(found.kl_to_filtered.unwrap(), f64::INFINITY, 0.0);
}

#[test]
fn a_validity_rate_beyond_underflow_keeps_its_logarithm() {
    // One valid output of 600 symbols, each of probability 1/8: 8^-600 = 10^-542.
    let horizon = 600;
    let (base, _) = even(8, horizon, 0.125);
    let mut verifier = ExplicitAutomaton {
        symbols: 8,
        next: (0..8).map(|symbol| if symbol == 0 { 0 } else { u64::MAX }).collect(),
        accepts: vec![true],
    };
    let space = OutputSpace { symbols: 8, horizon, ending: Ending::FixedLength };
    let acceptor = Acceptor::explore(&mut verifier, space, false, 10).unwrap();
    let product = Product::explore(&[started(&base)], &acceptor, 10_000).unwrap();
    let rows = ModelRows::of(&product, Role::Base, started(&base)).unwrap();
    let weighted = WeightedProduct::of_base(&product, &rows);
    let found = split(&weighted, Role::Base);
    assert_close(found.valid.log_mass, -600.0 * 8f64.ln(), 1e-9);
    assert_close(found.valid.entropy, 0.0, 1e-9);
    assert_close(found.valid.top1, 1.0, 1e-9);
    let tilted = TiltedModel::new(1e-4, &found);
    assert_close(tilted.mu, 1.0, 0.0);
}

/// One state for each number of first symbols met, and none beyond `most` of them.
fn at_most(most: u64, symbols: usize) -> ExplicitAutomaton {
    let behind = |state: u64, symbol: usize| match symbol {
        0 if state == most => u64::MAX,
        0 => state + 1,
        _ => state,
    };
    let next = (0..=most).flat_map(|state| (0..symbols).map(move |symbol| behind(state, symbol))).collect();
    ExplicitAutomaton { symbols, next, accepts: vec![true; usize::try_from(most).unwrap() + 1] }
}

fn independent(row: &[f64]) -> Model {
    let symbols = row.len();
    Model { symbols, choices: symbols, next: vec![0; symbols], probs: vec![row.to_vec()] }
}

/// Sixty independent symbols, valid with at most twelve of the first: A1 is P(Bin(60, 0.3) ≤ 12), and given i of the
/// first the others are independent again, so that all is a sum over i of C(60, i) and powers. In 60 digits.
#[test]
fn binomial_validity_has_closed_forms() {
    let (base, policy) = (independent(&[0.3, 0.5, 0.2]), independent(&[0.2, 0.5, 0.3]));
    let space = OutputSpace { symbols: 3, horizon: 60, ending: Ending::FixedLength };
    let acceptor = Acceptor::explore(&mut at_most(12, 3), space, false, 100).unwrap();
    assert_eq!(valid_outputs(&acceptor).to_string(), "721123228308110278725206016");
    let product = Product::explore(&[started(&base), started(&policy)], &acceptor, 2000).unwrap();
    let base_rows = ModelRows::of(&product, Role::Base, started(&base)).unwrap();
    let policy_rows = ModelRows::of(&product, Role::Policy, started(&policy)).unwrap();
    let weighted = WeightedProduct { product: &product, base: &base_rows, policy: &policy_rows };
    let split = split(&weighted, Role::Base);
    assert_close(split.valid.mass, 0.056_770_682_002_337_673, 1e-14);
    assert_close(split.invalid.mass, 0.943_229_317_997_662_3, 1e-14);
    assert_close(split.valid.entropy, 57.186_287_404_279_47, 1e-12);
    // The likeliest is the second symbol throughout.
    assert_close(split.valid.top1 / (0.5f64.powi(60) / 0.056_770_682_002_337_673), 1.0, 1e-12);
    let tilted = [TiltedModel::new(0.5, &split)];
    let (of_policy, found) =
        divergences(&weighted, &split, &tilted, &Orders { alphas: &[0.5], powers: &[0.5] });
    assert_close(of_policy.valid.mass, 0.576_440_301_445_875_5, 1e-14);
    assert_close(found.kl_to_base, 2.432_790_648_648_986_3, 1e-12);
    assert_close(found.kl_from_filtered.unwrap(), 1.692_197_388_318_089, 1e-12);
    assert_close(found.hellinger2_to_filtered.unwrap(), 0.439_650_791_058_818_95, 2e-14);
    assert_close(found.alpha_divergence[0].unwrap(), 4.0 * 0.439_650_791_058_818_95, 1e-13);
    assert_close(found.power_sums[0].unwrap(), 1.0 - 0.439_650_791_058_818_95, 2e-14);
    assert_close(found.kl_from_uniform_valid.unwrap(), 2.512_658_849_330_714_8, 1e-12);
    assert_close(found.kl_to_tilted[0], 1.589_386_196_607_928_3, 1e-12);
}

/// Two kinds of valid outputs, by the first of eight symbols: 500 free symbols and then 600 times the first, or 500
/// times the first and then 600 free ones. Half way the first kind has 2^1500 prefixes and the second seven, from which
/// nearly all outputs come in the end.
#[test]
fn few_prefixes_of_many_outputs_are_not_lost() {
    let (free, forced, symbols) = (500, 600, 8);
    let horizon = 1 + free + forced;
    // States: 0 is the start, then those of the first kind and those of the second, each by the symbols read.
    let mut next = vec![u64::MAX; (1 + 2 * horizon) * symbols];
    next[0] = 1;
    next[1..symbols].fill(1 + horizon as u64);
    for kind in 0..2 {
        for read in 0..free + forced {
            let state = 1 + kind * horizon + read;
            let any = (read < free) == (kind == 0);
            next[state * symbols..][..if any { symbols } else { 1 }].fill(state as u64 + 1);
        }
    }
    let accepts = vec![true; 1 + 2 * horizon];
    let mut verifier = ExplicitAutomaton { symbols, next, accepts };
    let space = OutputSpace { symbols, horizon, ending: Ending::FixedLength };
    let acceptor = Acceptor::explore(&mut verifier, space, false, 10_000).unwrap();
    let base = independent(&[0.125; 8]);
    let mut row = [0.1; 8];
    row[0] = 0.3;
    let policy = independent(&row);
    let product = Product::explore(&[started(&base), started(&policy)], &acceptor, 10_000).unwrap();
    let base_rows = ModelRows::of(&product, Role::Base, started(&base)).unwrap();
    let policy_rows = ModelRows::of(&product, Role::Policy, started(&policy)).unwrap();
    let weighted = WeightedProduct { product: &product, base: &base_rows, policy: &policy_rows };
    let split = split(&weighted, Role::Base);
    let (_, found) = divergences(&weighted, &split, &[], &Orders::default());
    // 7 · 8^600 outputs of the second kind; the 8^500 of the first are nothing beside them.
    let log_count = 7f64.ln() + 600.0 * 8f64.ln();
    let of_free = (0.3f64.ln() + 7.0 * 0.1f64.ln()) / 8.0;
    let mean = 0.1f64.ln() + 500.0 * 0.3f64.ln() + 600.0 * of_free;
    assert_close(found.kl_from_uniform_valid.unwrap(), -log_count - mean, 1e-9);
    assert_close(split.valid.log_mass, log_count - 1101.0 * 8f64.ln(), 1e-9);
}

/// 8^400 equal outputs, of which Σ q² = 8^−400 underflows: its logarithm is finite all the same.
#[test]
fn an_entropy_beyond_underflow_is_finite() {
    let base = independent(&[0.125; 8]);
    let space = OutputSpace { symbols: 8, horizon: 400, ending: Ending::FixedLength };
    let mut all = ExplicitAutomaton { symbols: 8, next: vec![0; 8], accepts: vec![true] };
    let acceptor = Acceptor::explore(&mut all, space, false, 10).unwrap();
    let product = Product::explore(&[started(&base)], &acceptor, 1000).unwrap();
    let rows = ModelRows::of(&product, Role::Base, started(&base)).unwrap();
    let split = split(&WeightedProduct::of_base(&product, &rows), Role::Base);
    let summary = Summary::new(&split, Vec::new(), &[]);
    let expected = 400.0 * 8f64.ln();
    assert_close(summary.entropy, expected, 1e-10);
    assert_close(summary.renyi2_entropy, expected, 1e-10);
    assert_close(summary.top1, 0.0, 0.0);
}

/// Valid is an even number of the first of eight symbols: Z_α = ½ [(x + y)^T + (y − x)^T], x = p^α and y that of the rest.
/// At a thousand symbols every a^α underflows.
#[test]
fn powers_of_parity_have_a_closed_form() {
    for horizon in [40i32, 1000] {
        let (base, acceptor) = even(8, usize::try_from(horizon).unwrap(), 0.3);
        let product = Product::explore(&[started(&base)], &acceptor, 20_000).unwrap();
        let rows = ModelRows::of(&product, Role::Base, started(&base)).unwrap();
        let weighted = WeightedProduct::of_base(&product, &rows);
        let split = split(&weighted, Role::Base);
        for power in [0.0, 1e-12, 0.5, 1.0, 2.0, 7.0, 300.0] {
            let steps = f64::from(horizon);
            // log Z and its derivative in the power, of a sum over the number of firsts that is all but its even half.
            let log_z = |power: f64| {
                let [log_x, log_y] = [power * 0.3f64.ln(), 7f64.ln() + power * 0.1f64.ln()];
                let greatest = log_x.max(log_y);
                let [x, y] = [log_x, log_y].map(|log| (log - greatest).exp());
                let share = (y - x) / (x + y);
                steps * (greatest + (x + y).ln()) + (0.5 * (1.0 + share.powi(horizon))).ln()
            };
            let chain = PowerChain::new(&weighted, power).unwrap();
            let found = chain.figures(&split);
            let tolerance = 1e-13 * steps * (1.0 + power);
            assert_close(found.log_partition, log_z(power), tolerance);
            assert_close(found.valid.log_collision, log_z(2.0 * power) - 2.0 * log_z(power), 4.0 * tolerance);
            // The likeliest has an even number of them: all firsts, whose 0.3 exceeds 0.1.
            assert_close(
                found.valid.log_top1,
                (power * steps * 0.3f64.ln() - log_z(power)).min(0.0),
                tolerance,
            );
            // H = log Z − α d log Z/dα, by a central difference of the fourth order.
            let h = 1e-3 * (1.0 + power);
            let difference = |k: f64| log_z(power + k * h) - log_z(power - k * h);
            let slope = (8.0 * difference(1.0) - difference(2.0)) / (12.0 * h);
            assert_close(found.valid.entropy, log_z(power) - power * slope, 1e-7 * steps);
        }
        let flat = PowerChain::new(&weighted, 0.0).unwrap();
        assert_close(flat.log_partition(), ln(&valid_support(&weighted)), 1e-11);
        assert_close(flat.figures(&split).valid.entropy, ln(&valid_support(&weighted)), 1e-9);
    }
}

/// Lengths are geometric and everything is valid: Z_α = (1 − r)^α Σ_{t<T} r^{αt} + r^{αT}.
#[test]
fn powers_of_geometric_lengths_have_a_closed_form() {
    let horizon = 1000;
    let space = OutputSpace { symbols: 1, horizon, ending: Ending::EndSymbol };
    for rate in [0.9, 0.1] {
        let base = Model { symbols: 1, choices: 2, next: vec![0], probs: vec![vec![rate, 1.0 - rate]] };
        let mut all = ExplicitAutomaton { symbols: 1, next: vec![0], accepts: vec![true] };
        let acceptor = Acceptor::explore(&mut all, space, false, 10).unwrap();
        let product = Product::explore(&[started(&base)], &acceptor, 20_000).unwrap();
        let rows = ModelRows::of(&product, Role::Base, started(&base)).unwrap();
        let weighted = WeightedProduct::of_base(&product, &rows);
        let split = split(&weighted, Role::Base);
        for power in [0.0, 0.5, 1.0, 3.0, 1e6] {
            let logs: Vec<f64> = (0..=horizon)
                .map(|t| {
                    let stops = if t < horizon { (1.0 - rate).ln() } else { 0.0 };
                    power * (t as f64 * rate.ln() + stops)
                })
                .collect();
            let expected = pstar_core::math::log_sum_exp(&logs);
            let found = PowerChain::new(&weighted, power).unwrap();
            assert_close(
                found.log_partition() / (1.0 + expected.abs()),
                expected / (1.0 + expected.abs()),
                1e-13,
            );
            let entropy: f64 = logs.iter().map(|log| -(log - expected).exp() * (log - expected)).sum();
            let tolerance = 1e-12 * (1.0 + power);
            assert_close(found.figures(&split).valid.entropy, entropy, tolerance * horizon as f64);
            // Length by length, 1 − (1 − p)^4.
            let covered: f64 = logs.iter().map(|log| 1.0 - (1.0 - (log - expected).exp()).powi(4)).sum();
            assert_close(found.coverage_at(&[4], 1 << 20)[0].unwrap(), covered, tolerance * 10.0);
        }
    }
}
