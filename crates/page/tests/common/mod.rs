//! Runs made by hand: what they hold is a formula, so that every panel has figures.

use pstar_compare::{ClassStart, differences, intervals, verdicts};
use pstar_record::{
    ArmPrompts, ArmRecord, ArmStatus, Budget, ClassOptimum, CurvePoint, ExperimentProvenance, HostProvenance,
    KappaRecord, LikelyOutput, LikelyOutputs, Means, Measures, Method, Missing, ObjectiveKappa,
    ObjectiveRecord, PartitionRecord, PolicyCosine, PromptFigures, Provenance, RunData, RunRecord, VERSION,
    Warning, Warnings, Whose,
};

/// How large a run is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) objectives: usize,
    pub(crate) policies: usize,
    pub(crate) seeds: u64,
    pub(crate) points: u32,
    pub(crate) prompts: usize,
}

/// The size of `compare.ron`.
pub(crate) const COMPARE: Size = Size { objectives: 8, policies: 2, seeds: 10, points: 21, prompts: 8 };

/// A small one, with intervals.
pub(crate) const SMALL: Size = Size { objectives: 3, policies: 2, seeds: 5, points: 4, prompts: 3 };

const KS: [f64; 6] = [1.0, 4.0, 16.0, 64.0, 256.0, 1024.0];

const THRESHOLDS: [f64; 5] = [0.01, 0.1, 0.5, 0.9, 0.99];

/// Figures of a distribution with that validity and so many valid outputs.
fn measures(validity: f64, outputs: f64, with_end: bool) -> Measures {
    let mut measures = Measures::default();
    let kl = (outputs - 20.0).abs().sqrt() + (1.0 - validity) * 3.0;
    measures.push("validity_rate", validity);
    measures.push("entropy", 8.0 - 6.0 * validity);
    measures.push("effective_number", (8.0 - 6.0 * validity).exp());
    measures.push("kl_from_filtered", kl);
    if with_end {
        measures.push("entropy_given_valid", outputs.ln());
        measures.push("token_entropy", (8.0 - 6.0 * validity) / 4.0);
        measures.push("kl_to_base", validity);
    }
    let coverage = |k: &f64| outputs * (1.0 - (1.0 - validity / outputs).powf(*k));
    let keys = || KS.iter().map(ToString::to_string);
    measures.push_family("pass_at", keys(), KS.iter().map(|k| 1.0 - (1.0 - validity).powf(*k)));
    measures.push_family("coverage_at", keys(), KS.iter().map(coverage));
    if with_end {
        let cover = THRESHOLDS.iter().map(|tau| (validity * 1.5 - tau).clamp(0.0, 1.0));
        measures.push_family("cover_at", THRESHOLDS.iter().map(ToString::to_string), cover);
        for (name, share) in [("kept", 0.6), ("lost", 0.4), ("gained", 0.2)] {
            let parts = KS.iter().map(|k| share * coverage(k));
            measures.push_family(format!("support_{name}_at"), keys(), parts);
        }
    }
    measures
}

/// Validity and number of valid outputs of an arm at a share of its way.
fn state(objective: usize, policy: usize, seed: u64, way: f64) -> (f64, f64) {
    let noise = 0.01 * ((seed * 7 + objective as u64 * 3) % 5) as f64;
    let goal = 0.15 + 0.8 * ((objective * 5 + 2) % 11) as f64 / 11.0;
    let validity = 0.02 + way * (goal - 0.02) / (1.0 + policy as f64) + way * noise;
    (validity, 30.0 - way * (28.0 * goal + noise))
}

pub(crate) fn objective(i: usize) -> String {
    format!("objective {i}")
}

pub(crate) fn policy(i: usize) -> String {
    format!("policy {i}")
}

fn arm(size: Size, policy_index: usize, objective_index: usize, seed: u64) -> ArmRecord {
    let end = |way: f64| {
        let (validity, outputs) = state(objective_index, policy_index, seed, way);
        measures(validity, outputs, true)
    };
    let point = |i: u32| {
        let way = f64::from(i) / f64::from((size.points - 1).max(1));
        let (validity, outputs) = state(objective_index, policy_index, seed, way);
        let signals: Means = [("groups_all_wrong".to_string(), 1.0 - validity)].into_iter().collect();
        CurvePoint { step: 10 * i, measures: measures(validity, outputs, false), signals }
    };
    ArmRecord {
        id: format!("{policy_index}-{objective_index}-{seed}"),
        policy: policy(policy_index),
        objective: objective(objective_index),
        seed,
        learning_rate: 0.02,
        status: ArmStatus::Complete,
        failure: None,
        first_batch: None,
        budget: Budget {
            sequences: 1000,
            tokens: 5000 + seed,
            verifier_calls: 1000,
            optimizer_steps: 100,
            ..Budget::default()
        },
        log_partition: PartitionRecord { exact: u64::from(objective_index == 1), group: 0, running: 0 },
        initial: Some(end(0.0)),
        last: Some(end(1.0)),
        diagnostics: Means::default(),
        warnings: [Warning::IdleGroups { percent: 60.0 + seed as f64 }]
            .into_iter()
            .take(usize::from(objective_index == 0))
            .collect(),
        parameters_sha256: None,
        crossings: None,
        prompts: ArmPrompts::default(),
        curve: (0..size.points).map(point).collect(),
        parameters: Vec::new(),
    }
}

fn optimum(policy_index: usize, objective_index: usize) -> ClassOptimum {
    let (validity, outputs) = state(objective_index, policy_index, 3, 1.2);
    ClassOptimum {
        policy: policy(policy_index),
        objective: objective(objective_index),
        divergence: "KL(p*‖q)".into(),
        value: Some(1.0),
        lower_bound: None,
        degenerate: false,
        why: None,
        residual: None,
        settled: true,
        starts: 1,
        local_optima: vec![1.0],
        measures: measures(validity, outputs, true),
        table: Vec::new(),
        flow: None,
    }
}

pub(crate) fn prompt(i: usize) -> String {
    format!("{i}=")
}

fn all_whose(size: Size) -> Vec<(Whose, f64)> {
    let references =
        [("base", 0.03), ("filtered", 1.0)].map(|(name, validity)| (Whose::Reference(name.into()), validity));
    let end = |p: usize, o: usize| {
        let whose = Whose::End { policy: policy(p), objective: objective(o), learning_rate: 0.02, seed: 1 };
        (whose, state(o, p, 1, 1.0).0)
    };
    let pairs = (0..size.policies).flat_map(|p| (0..size.objectives).map(move |o| (p, o)));
    references.into_iter().chain(pairs.map(|(p, o)| end(p, o))).collect()
}

fn prompts(size: Size) -> Vec<PromptFigures> {
    let at = |(whose, validity): (Whose, f64)| {
        (0..size.prompts).map(move |i| PromptFigures {
            whose: whose.clone(),
            prompt: prompt(i),
            measures: measures((validity * (0.2 + i as f64 / size.prompts as f64)).min(1.0), 12.0, false),
        })
    };
    all_whose(size).into_iter().flat_map(at).collect()
}

fn outputs(size: Size) -> Vec<LikelyOutputs> {
    let list = |i: usize| {
        (0..10).map(move |rank: i32| LikelyOutput {
            output: format!("{i}*{rank}"),
            probability: 0.3 / f64::from(1 + rank),
            valid: rank % 3 != 1,
        })
    };
    let at = |(whose, _): (Whose, f64)| {
        (0..size.prompts).map(move |i| LikelyOutputs {
            whose: whose.clone(),
            prompt: prompt(i),
            exact: true,
            outputs: list(i).collect(),
        })
    };
    all_whose(size).into_iter().flat_map(at).collect()
}

fn described(i: usize) -> ObjectiveRecord {
    ObjectiveRecord {
        name: objective(i),
        plugin: "made".into(),
        version: "0.1.0".into(),
        doc: String::new(),
        configuration: "()".into(),
        divergence: None,
        learning_rate: None,
    }
}

/// κ of all objectives but the first, which says why it has none.
fn kappa(size: Size) -> KappaRecord {
    let rates = vec![0.001, 0.01, 0.1, 0.5, 0.99];
    let of = |i: usize| ObjectiveKappa {
        objective: objective(i),
        group: Some(32),
        kappa: if i == 0 {
            Vec::new()
        } else {
            rates.iter().map(|rate: &f64| rate.powf(-0.1 * i as f64)).collect()
        },
        because: if i == 0 { vec!["clip".into()] } else { Vec::new() },
        claim: Some("validity".into()),
        claimed: Vec::new(),
        ratio: Vec::new(),
        cosines: (0..size.policies).map(|p| PolicyCosine { policy: policy(p), cosine: Some(0.9) }).collect(),
    };
    KappaRecord {
        objectives: (0..size.objectives).map(of).collect(),
        validity_rates: rates.clone(),
        prompts: size.prompts as u64,
        without_cosines: Vec::new(),
    }
}

fn provenance(seeds: u64) -> Provenance {
    Provenance {
        version: "0.1.0".into(),
        interface: "2.1.0".into(),
        host: HostProvenance { sha256: Some("ab".repeat(32)) },
        experiment: ExperimentProvenance {
            file: "made.ron".into(),
            sha256: "cd".repeat(32),
            set: vec!["a=1".into()],
        },
        plugins: Vec::new(),
        files: Vec::new(),
        files_untold_by: Vec::new(),
        platform: "linux x86_64".into(),
        instruction_set: vec!["avx2".into()],
        seeds: (1..=seeds).collect(),
        selecting_seeds: Vec::new(),
        store: None,
        command: Vec::new(),
        parts: Vec::new(),
    }
}

/// A run whose arms all completed, with every panel.
pub(crate) fn run(size: Size) -> RunData {
    let mut arms = Vec::new();
    let mut optima = Vec::new();
    for p in 0..size.policies {
        for o in 0..size.objectives {
            arms.extend((1..=size.seeds).map(|seed| arm(size, p, o, seed)));
            optima.push(optimum(p, o));
        }
    }
    let references = [
        ("base", 0.03, 30.0),
        ("filtered", 1.0, 60.0),
        ("tilted 0.5", 0.2, 40.0),
        ("uniform-valid", 1.0, 300.0),
    ];
    let references =
        references.map(|(name, validity, outputs)| (name.to_string(), measures(validity, outputs, true)));
    let mut data = RunData {
        record: RunRecord {
            version: VERSION,
            name: "made".into(),
            complete: true,
            missing: Missing::default(),
            method: Method::Enumeration,
            policies: Vec::new(),
            objectives: (0..size.objectives).map(described).collect(),
            arms,
            selection: None,
            references: references.into(),
            optima,
            verdicts: Vec::new(),
            intervals: Vec::new(),
            comparisons: Vec::new(),
            kappa: Some(kappa(size)),
            warnings: Warnings::default(),
        },
        prompts: prompts(size),
        outputs: outputs(size),
        provenance: Some(provenance(size.seeds)),
        experiment: Some("(\n    name: \"made\",\n)\n".into()),
        faults: Vec::new(),
    };
    judge(&mut data);
    data
}

fn distinct<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for name in names {
        if !found.contains(name) {
            found.push(name.clone());
        }
    }
    found
}

/// Names that would be more than text if they were let.
pub(crate) const HOSTILE: [&str; 8] = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\" onload=\"alert(1)",
    "a\u{0}b\u{1b}[2J\r\n\u{7f}\u{ffff}",
    "\u{202e}gnol\u{202c} \u{2066}שלום عليكم",
    "]]> --> <!-- &amp; &#0; {{x}} ${y}",
    "",
    "  ",
];

/// Gives objectives other names.
pub(crate) fn rename(data: &mut RunData, names: &[&str]) {
    let of = |old: &str| {
        let place = (0..names.len()).find(|i| objective(*i) == old);
        place.map_or(old.to_string(), |i| format!("{}{}", names[i], "x".repeat(40 * i)))
    };
    data.record.name = names.concat();
    for arm in &mut data.record.arms {
        arm.objective = of(&arm.objective);
    }
    for row in &mut data.record.objectives {
        row.name = of(&row.name);
    }
    for optimum in &mut data.record.optima {
        optimum.objective = of(&optimum.objective);
    }
    for row in data.record.kappa.iter_mut().flat_map(|kappa| &mut kappa.objectives) {
        row.objective = of(&row.objective);
    }
    let outputs = data.outputs.iter_mut().map(|row| &mut row.whose);
    for whose in data.prompts.iter_mut().map(|row| &mut row.whose).chain(outputs) {
        if let Whose::End { objective, .. } = whose {
            *objective = of(objective);
        }
    }
    judge(data);
}

/// Makes verdicts, intervals and comparisons anew, of arms that were changed.
pub(crate) fn judge(data: &mut RunData) {
    let record = &mut data.record;
    let policies = distinct(record.arms.iter().map(|arm| &arm.policy));
    let objectives = distinct(record.arms.iter().map(|arm| &arm.objective));
    let start = |(i, name): (usize, &String)| ClassStart {
        policy: name.clone(),
        follows_base: true,
        copies_base: i == 0,
    };
    let classes: Vec<ClassStart> = policies.iter().enumerate().map(start).collect();
    record.verdicts = verdicts(&classes, &objectives, &record.arms, &record.references);
    record.intervals = intervals(&policies, &objectives, &record.arms);
    record.comparisons = differences(&policies, &objectives, &record.arms);
}
