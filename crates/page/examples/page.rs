//! Writes the report of a run's directory: `cargo run -p pstar-page --example page -- RUN OUT.html [FIGURE]`.
use pstar_compare::{ClassStart, intervals, verdicts};
use pstar_record::{CurvePoint, Means, Measures, RunData, RunRecord};
use std::collections::HashMap;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let dir = std::path::Path::new(&args[1]);
    let mut record = RunRecord::read(&std::fs::read(dir.join("summary.json")).unwrap()).unwrap();
    let text = std::fs::read_to_string(dir.join("curves.csv")).unwrap();
    let mut points: HashMap<(String, String, u64), Vec<(u32, Vec<(String, f64)>)>> = HashMap::new();
    for line in text.lines().skip(1) {
        // names may be quoted
        let mut f: Vec<String> = Vec::new();
        let (mut cur, mut q) = (String::new(), false);
        for c in line.chars() {
            match c {
                '"' => q = !q,
                ',' if !q => {
                    f.push(std::mem::take(&mut cur));
                }
                c => cur.push(c),
            }
        }
        f.push(cur);
        let step: u32 = f[3].parse().unwrap();
        let list = points.entry((f[0].clone(), f[1].clone(), f[2].parse().unwrap())).or_default();
        if list.last().is_none_or(|(s, _)| *s != step) {
            list.push((step, vec![]));
        }
        if let Ok(x) = f[5].parse::<f64>() {
            list.last_mut().unwrap().1.push((f[4].clone(), x));
        }
    }
    for arm in &mut record.arms {
        let Some(list) = points.get(&(arm.policy.clone(), arm.objective.clone(), arm.seed)) else { continue };
        arm.curve = list
            .iter()
            .map(|(step, values)| {
                let mut measures = Measures::default();
                for (k, v) in values {
                    match k.split_once('@') {
                        None => measures.push(k.clone(), *v),
                        _ => {}
                    }
                }
                for fam in ["pass", "coverage"] {
                    let of: Vec<(String, f64)> = values
                        .iter()
                        .filter_map(|(k, v)| Some((k.strip_prefix(fam)?.strip_prefix('@')?.to_string(), *v)))
                        .collect();
                    measures.push_family(
                        format!("{fam}_at"),
                        of.iter().map(|x| x.0.clone()),
                        of.iter().map(|x| x.1),
                    );
                }
                CurvePoint { step: *step, measures, signals: Means::default() }
            })
            .collect();
    }
    let mut policies: Vec<String> = vec![];
    let mut objectives: Vec<String> = vec![];
    for a in &record.arms {
        if !policies.contains(&a.policy) {
            policies.push(a.policy.clone());
        }
        if !objectives.contains(&a.objective) {
            objectives.push(a.objective.clone());
        }
    }
    if record.verdicts.is_empty() {
        let classes: Vec<ClassStart> = policies
            .iter()
            .map(|p| ClassStart {
                policy: p.clone(),
                follows_base: true,
                copies_base: p == "trigram" || p == "gru",
            })
            .collect();
        record.verdicts = verdicts(&classes, &objectives, &record.arms, &record.references);
        record.intervals = intervals(&policies, &objectives, &record.arms);
    }
    let experiment = std::fs::read_to_string(dir.join("experiment.ron")).ok();
    let data =
        RunData { record, prompts: vec![], outputs: vec![], provenance: None, experiment, faults: vec![] };
    let start = std::time::Instant::now();
    let page = match args.get(3) {
        Some(name) => {
            pstar_page::figure(&data, name).unwrap_or_else(|| panic!("{:?}", pstar_page::figure_names(&data)))
        }
        None => pstar_page::page(&data),
    };
    eprintln!("{:?} {} bytes", start.elapsed(), page.len());
    std::fs::write(&args[2], page).unwrap();
}
