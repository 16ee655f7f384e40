//! A run's directory is read back as it was written, and what is damaged is named and costs nothing else.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test may end in a panic")]

use proptest::collection::vec;
use proptest::prelude::*;
use pstar_record::{
    ArmRecord, ArmStatus, CurvePoint, CurvesWriter, DataError, Failure, LikelyOutput, LikelyOutputs,
    Measures, Method, Missing, PromptFigures, PromptsWriter, RunData, RunRecord, VERSION, Warnings, Whose,
    prompt_figures, to_json,
};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

fn figures(numbers: [f64; 4]) -> Measures {
    let [rate, kl, pass, tilted] = numbers;
    let mut measures = Measures::default();
    measures.push("validity_rate", rate);
    measures.push("kl_from_filtered", kl);
    measures.push_family("pass_at", ["1".to_string(), "16".into()], [pass, rate]);
    measures.push_family("kl_to_tilted", ["0.1".to_string()], [tilted]);
    measures
}

fn arm(policy: &str, objective: &str, seed: u64, learning_rate: f64, curve: Vec<CurvePoint>) -> ArmRecord {
    let failure = Failure { step: 0, message: String::new() };
    ArmRecord {
        policy: policy.into(),
        objective: objective.into(),
        seed,
        learning_rate,
        status: ArmStatus::Complete,
        failure: None,
        last: Some(figures([0.5; 4])),
        curve,
        ..ArmRecord::of_failure("id".into(), failure)
    }
}

fn record(arms: Vec<ArmRecord>) -> RunRecord {
    RunRecord {
        version: VERSION,
        name: "run".into(),
        complete: true,
        missing: Missing::default(),
        method: Method::Enumeration,
        policies: Vec::new(),
        objectives: Vec::new(),
        kappa: None,
        arms,
        selection: None,
        references: vec![("base".into(), figures([0.25; 4]))],
        optima: Vec::new(),
        verdicts: Vec::new(),
        intervals: Vec::new(),
        comparisons: Vec::new(),
        warnings: Warnings::default(),
    }
}

fn curves(record: &RunRecord, with_rate: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = CurvesWriter::begin(&mut bytes, with_rate).unwrap();
    record.arms.iter().try_for_each(|arm| writer.arm(arm, &arm.curve)).unwrap();
    writer.end().unwrap();
    bytes
}

fn prompts(rows: &[PromptFigures], with_rate: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = PromptsWriter::begin(&mut bytes, with_rate).unwrap();
    for row in rows {
        writer.rows(&row.whose, std::iter::once((&*row.prompt, &row.measures))).unwrap();
    }
    writer.end().unwrap();
    bytes
}

/// A run of two arms, with a point's rows that are figures and others that are signals.
fn whole() -> RunRecord {
    let point = |step: u32, x: f64| CurvePoint {
        step,
        measures: figures([x, f64::INFINITY, x / 3.0, f64::NEG_INFINITY]),
        signals: [("gradient_norm".to_string(), 2.0 * x), ("unheard of".into(), -0.0)].into_iter().collect(),
    };
    let curve = |x| vec![point(0, x), point(20, x / 7.0)];
    record(vec![arm("p", "a, \"b\"\n<b>", 1, 0.1, curve(0.5)), arm("p", "c", u64::MAX, 0.1, curve(1e-300))])
}

fn prompt_rows() -> Vec<PromptFigures> {
    let row = |whose, prompt: &str, x: f64| PromptFigures {
        whose,
        prompt: prompt.into(),
        measures: prompt_figures(&figures([x, f64::INFINITY, x, x])),
    };
    let end = Whose::End { policy: "p".into(), objective: "c".into(), learning_rate: 0.1, seed: u64::MAX };
    vec![
        row(Whose::Reference("base".into()), "1=", 0.25),
        row(Whose::Reference("base".into()), "", 0.5),
        row(Whose::Start { policy: "p".into(), seed: 1 }, "1=", 0.75),
        row(end, "\u{202e},\"</script>", 1.0),
    ]
}

fn outputs() -> Vec<LikelyOutputs> {
    let of = |whose| LikelyOutputs {
        whose,
        prompt: "\u{7}".into(),
        exact: true,
        outputs: vec![LikelyOutput { output: "</script>".into(), probability: 0.1 + 0.2, valid: true }],
    };
    let end = Whose::End { policy: "p".into(), objective: "c".into(), learning_rate: 0.1, seed: u64::MAX };
    vec![of(Whose::Reference("filtered".into())), of(Whose::Start { policy: "p".into(), seed: 7 }), of(end)]
}

fn directory(record: &RunRecord, with_rate: bool) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write("summary.json", to_json(record).as_bytes());
    write("curves.csv", &curves(record, with_rate));
    write("prompts.csv", &prompts(&prompt_rows(), with_rate));
    write("outputs.json", to_json(&outputs()).as_bytes());
    write("experiment.ron", b"(\n    name: \"run\",\n    directory: \"/home/me\",\n)\n");
    let provenance = r#"{"version": "1", "interface": "2", "host": {"sha256": null},
        "experiment": {"file": "x.ron", "sha256": "", "set": []},
        "plugins": [], "files": [], "platform": "", "instruction_set": [], "seeds": []}"#;
    write("provenance.json", provenance.as_bytes());
    folder
}

fn faults(data: &RunData) -> Vec<String> {
    data.faults.iter().map(|fault| format!("{}: {}", fault.file, fault.problem)).collect()
}

fn read(folder: &Path) -> RunData {
    RunData::read(folder).unwrap()
}

#[test]
fn what_was_written_is_read_back() {
    let record = whole();
    for with_rate in [false, true] {
        let folder = directory(&record, with_rate);
        let data = read(folder.path());
        assert_eq!(faults(&data), Vec::<String>::new());
        assert_eq!(data.record, record);
        assert_eq!(data.record.arms[1].curve[1].signals.iter().count(), 2);
        assert_eq!(data.prompts, prompt_rows());
        assert_eq!(data.outputs, outputs());
        assert_eq!(data.experiment.as_deref(), Some("(\n    name: \"run\",\n)\n"));
        assert_eq!(data.provenance.unwrap().version, "1");
    }
}

#[test]
fn arms_that_differ_in_their_learning_rates_alone_are_told_apart() {
    let point = |x| CurvePoint { step: 3, measures: figures([x; 4]), signals: [].into_iter().collect() };
    let record =
        record(vec![arm("p", "o", 1, 0.1, vec![point(1.0)]), arm("p", "o", 1, 0.3, vec![point(2.0)])]);
    let folder = directory(&record, true);
    assert_eq!(read(folder.path()).record, record);
}

/// What tables go through before they come back: other line ends, a mark of the byte order, other columns.
#[test]
fn tables_of_other_programs_are_read() {
    let record = whole();
    let folder = directory(&record, false);
    let path = folder.path().join("curves.csv");
    let text = String::from_utf8(curves(&record, false)).unwrap();
    let with_bom = format!("\u{feff}{text}");
    fs::write(&path, &with_bom).unwrap();
    assert_eq!(read(folder.path()).record, record);
    // One of the names has a line break, which stays what it is.
    let crlf = text.replace('\n', "\r\n").replace("\"\"b\"\"\r\n", "\"\"b\"\"\n");
    fs::write(&path, format!("\u{feff}{crlf}")).unwrap();
    let data = read(folder.path());
    assert_eq!(faults(&data), Vec::<String>::new());
    assert_eq!(data.record, record);
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["value", "note", "metric", "step", "seed", "objective", "policy"]).unwrap();
    for row in rows.records() {
        let row = row.unwrap();
        writer.write_record([&row[5], "mine", &row[4], &row[3], &row[2], &row[1], &row[0]]).unwrap();
    }
    fs::write(&path, writer.into_inner().unwrap()).unwrap();
    assert_eq!(read(folder.path()).record, record);
}

#[test]
fn damaged_files_are_named_and_cost_nothing_else() {
    let record = whole();
    let folder = directory(&record, false);
    let text = String::from_utf8(curves(&record, false)).unwrap();
    let path = folder.path().join("curves.csv");
    let with = |text: &str| {
        fs::write(&path, text).unwrap();
        let data = read(folder.path());
        assert_eq!(data.prompts, prompt_rows());
        (data.record.arms.iter().map(|arm| arm.curve.len()).collect::<Vec<_>>(), faults(&data))
    };
    let cut = &text[..text.len() - 2];
    assert_eq!(with(cut), (vec![2, 2], vec!["curves.csv: its last line is cut short".into()]));
    assert_eq!(with(""), (vec![0, 0], vec!["curves.csv: it is empty".into()]));
    assert_eq!(with("policy,objective\n"), (vec![0, 0], vec!["curves.csv: it has no column `seed`".into()]));
    // The last three rows once more.
    let behind = text.trim_end().rmatch_indices('\n').nth(2).map_or(0, |(place, _)| place + 1);
    let doubled = format!("{text}{}", &text[behind..]);
    let (points, told) = with(&doubled);
    assert_eq!(points, [2, 2]);
    assert_eq!(told.len(), 1);
    assert!(told[0].ends_with("a point above has a metric twice"), "{told:?}");
    let (points, told) = with(&format!("{text}{}", text.split_once('\n').unwrap().1));
    assert_eq!(points, [2, 2]);
    assert!(told[0].contains("a point above is there already; and 3 more"), "{told:?}");
    let other = format!(
        "{text}p,nobody,1,0,x,1\np,nobody,1,0,y,1\np,c,x,0,x,1\np,c\np,c,18446744073709551615,40,x,NaN\n"
    );
    let (points, told) = with(&other);
    assert_eq!(points, [2, 2]);
    assert!(told[0].contains("it is of no arm of the record; and 4 more rows cannot be used"), "{told:?}");
    // An open quotation mark swallows what is behind it.
    let (points, told) = with(&text.replace("p,c,", "\"p,c,"));
    assert_eq!((points, told.len()), (vec![2, 0], 1));

    fs::write(&path, &text).unwrap();
    for name in ["curves.csv", "prompts.csv", "outputs.json", "provenance.json", "experiment.ron"] {
        let path = folder.path().join(name);
        let kept = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(faults(&read(folder.path())), [format!("{name}: it is missing")]);
        fs::create_dir(&path).unwrap();
        assert_eq!(faults(&read(folder.path())).len(), 1, "{name}");
        fs::remove_dir(&path).unwrap();
        // Bytes that are no text, in the middle.
        let mut broken = kept.clone();
        let middle = broken.len() / 2;
        broken[middle..middle + 4].fill(0xff);
        fs::write(&path, &broken).unwrap();
        let told = faults(&read(folder.path()));
        assert!(told.len() == 1 && told[0].starts_with(name), "{name}: {told:?}");
        fs::write(&path, kept).unwrap();
    }
    fs::write(folder.path().join("summary.json"), "{\"name\"").unwrap();
    assert!(matches!(RunData::read(folder.path()), Err(DataError::NoRecord { .. })));
    fs::remove_file(folder.path().join("summary.json")).unwrap();
    assert!(matches!(RunData::read(folder.path()), Err(DataError::Unreadable { .. })));
}

/// Wherever a table is cut, all whole points before come back.
#[test]
fn a_table_that_is_cut_anywhere_gives_what_stands_before() {
    let record = whole();
    let folder = directory(&record, false);
    let bytes = curves(&record, false);
    for end in (0..bytes.len()).step_by(7) {
        fs::write(folder.path().join("curves.csv"), &bytes[..end]).unwrap();
        let data = read(folder.path());
        for (found, expected) in data.record.arms.iter().zip(&record.arms) {
            for (i, point) in found.curve.iter().enumerate() {
                let expected = &expected.curve[i];
                assert_eq!(point.step, expected.step);
                for (name, measure) in point.measures.flat() {
                    let value = expected.measures.flat().find(|(known, _)| *known == name).unwrap().1;
                    assert_eq!(measure, value, "cut at {end}");
                }
            }
        }
    }
}

fn numbers() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_map(|x| if x.is_nan() { 0.0 } else { x }),
        prop::sample::select(vec![f64::INFINITY, f64::NEG_INFINITY, -0.0, 5e-324]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
    #[test]
    fn curves_come_back_to_the_bit(
        policies in prop::collection::btree_set("\\PC{0,5}|\n\"", 1..4),
        points in vec((any::<u32>(), any::<[u8; 4]>(), vec(numbers(), 5)), 1..6),
    ) {
        let mut points = points;
        points.sort_by_key(|(step, ..)| *step);
        points.dedup_by_key(|(step, ..)| *step);
        let curve: Vec<CurvePoint> = points
            .into_iter()
            .map(|(step, signals, x)| CurvePoint {
                step,
                measures: figures([x[0], x[1], x[2], x[3]]),
                signals: signals[..usize::from(signals[0] % 4)]
                    .iter()
                    .enumerate()
                    .map(|(i, name)| (format!("s{i}{name}"), x[4]))
                    .collect(),
            })
            .collect();
        let arms = policies.iter().enumerate().map(|(seed, policy)| {
            arm(policy, "o", seed as u64, 0.1, curve.clone())
        });
        let record = record(arms.collect());
        let folder = directory(&record, false);
        fs::remove_file(folder.path().join("prompts.csv")).unwrap();
        let data = read(folder.path());
        let bits = |record: &RunRecord| {
            let points = record.arms.iter().flat_map(|arm| &arm.curve);
            let values = points.flat_map(|point| point.measures.flat());
            values.map(|(name, measure)| (name, measure.value.map(f64::to_bits))).collect::<Vec<_>>()
        };
        prop_assert_eq!(bits(&data.record), bits(&record));
        prop_assert_eq!(data.record, record);
    }
}
