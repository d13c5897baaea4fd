use std::process::Command;

use proptest::prelude::*;
use value::{DateTime, Record};

use super::*;

/// What all items of one array are.
#[derive(Debug, Clone)]
enum Kind {
    Bool,
    Int,
    Float,
    Text,
    Binary,
    Duration,
    Moment(i32),
    List(Box<Kind>),
    Record(Vec<Kind>),
}

fn kinds() -> impl Strategy<Value = Kind> {
    let plain = prop_oneof![
        Just(Kind::Bool),
        Just(Kind::Int),
        Just(Kind::Float),
        Just(Kind::Text),
        Just(Kind::Binary),
        Just(Kind::Duration),
        prop_oneof![Just(0), Just(7200), Just(-12_600)].prop_map(Kind::Moment),
    ];
    plain.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|kind| Kind::List(Box::new(kind))),
            prop::collection::vec(inner, 0..4).prop_map(Kind::Record),
        ]
    })
}

fn of(kind: &Kind) -> BoxedStrategy<Value> {
    let value = match kind {
        Kind::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Kind::Int => any::<i64>().prop_map(Value::Int).boxed(),
        Kind::Float => (-1e12..1e12).prop_map(Value::Float).boxed(),
        Kind::Text => ".{0,12}".prop_map(Value::string).boxed(),
        Kind::Binary => prop::collection::vec(any::<u8>(), 0..9).prop_map(Value::binary).boxed(),
        Kind::Duration => any::<i64>().prop_map(Value::Duration).boxed(),
        Kind::Moment(offset) => {
            let offset = *offset;
            any::<i64>().prop_map(move |nanos| Value::DateTime(DateTime { nanos, offset })).boxed()
        }
        Kind::List(of_items) => prop::collection::vec(of(of_items), 0..4).prop_map(Value::list).boxed(),
        Kind::Record(kinds) => {
            let cells: Vec<_> = kinds.iter().map(of).collect();
            cells
                .prop_map(|cells| {
                    let names = (0..).map(|n| format!("f{n}"));
                    Value::record(names.zip(cells).collect::<Record>())
                })
                .boxed()
        }
    };
    prop_oneof![9 => value, 1 => Just(Value::Nothing)].boxed()
}

fn again(value: &Value) -> Value {
    read(&write(value).unwrap()).unwrap().value
}

fn json(value: &Value) -> String {
    value::literal::to_literal(value)
}

proptest! {
    #[test]
    fn a_list_of_one_kind_comes_back_as_it_was(
        items in kinds().prop_flat_map(|kind| prop::collection::vec(of(&kind), 0..6))
    ) {
        let expected = match items.as_slice() {
            [only] => only.clone(),
            items => Value::list(items),
        };
        prop_assert_eq!(again(&Value::list(items)), expected);
    }

    #[test]
    fn a_single_value_comes_back_as_it_was(value in kinds().prop_flat_map(|kind| of(&kind))) {
        // A list is the array of its items, and binary that of its bytes.
        let expected = match &value {
            Value::List(items) if items.len() == 1 => items[0].clone(),
            Value::Binary(bytes) if bytes.len() == 1 => Value::Int(bytes[0].into()),
            other => other.clone(),
        };
        prop_assert_eq!(again(&value), expected);
    }

    #[test]
    fn torn_and_altered_bytes_are_read_or_refused(
        cut in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), byte in any::<u8>()
    ) {
        let row = |n| Value::record([("a", Value::Int(n)), ("b", Value::list(vec!["x".into()]))].into_iter().collect());
        let mut bytes = write(&Value::list(vec![row(1), row(2)])).unwrap();
        let place = at.index(bytes.len());
        bytes[place] = byte;
        bytes.truncate(cut.index(bytes.len() + 1));
        if let Err(error) = read(&bytes) {
            prop_assert_eq!(error.code, codes::CANNOT_READ);
        }
    }
}

#[test]
fn ints_and_floats_together_are_floats_and_absent_fields_are_null() {
    assert_eq!(json(&again(&Value::list(vec![Value::Int(1), Value::Float(2.5), Value::Nothing]))), "[1.0, 2.5, null]");
    let a = Value::record([("x", Value::Int(1))].into_iter().collect());
    let b = Value::record([("y", Value::Bool(true))].into_iter().collect());
    assert_eq!(json(&again(&Value::list(vec![a, b]))), "[[x, y]; [1, null], [null, true]]");
}

#[test]
fn what_has_no_arrow_form_is_refused() {
    let mixed = Value::list(vec![Value::Int(1), "two".into()]);
    let endless = Value::range(value::Range::new(&Value::Int(1), None, None, false).unwrap());
    let path = Value::cell_path(value::CellPath::default());
    for (value, code) in [(mixed, codes::NOT_A_MESSAGE), (endless, codes::ENDLESS), (path, codes::NOT_A_MESSAGE)] {
        assert_eq!(write(&value).unwrap_err().code, code, "{value:?}");
    }
}

#[test]
fn an_array_of_nulls_that_takes_all_memory_is_refused() {
    let bytes = encode(Arc::new(arrow_array::NullArray::new(1 << 40))).unwrap();
    assert_eq!(read(&bytes).unwrap_err().code, codes::CANNOT_READ);
}

#[test]
fn the_type_and_the_shape_are_told() {
    let payload = read(&write(&Value::binary(vec![0; 12])).unwrap()).unwrap();
    assert_eq!((payload.of.as_str(), payload.shape), ("UInt8", vec![12]));
    let row = Value::record([("a", Value::Int(1)), ("b", Value::list(vec!["x".into()]))].into_iter().collect());
    assert_eq!(read(&write(&row).unwrap()).unwrap().of, "Struct<a: Int64, b: List<Utf8>>");
}

/// Writes arrays as a stock node would, and what Python thinks they hold.
const PYARROW: &str = r#"
import datetime, decimal, sys
import numpy as np
import pyarrow as pa

utc = datetime.timezone.utc
at = datetime.datetime(2026, 1, 31, 10, 0, 0, 250000, tzinfo=utc)
tensor = pa.FixedShapeTensorArray.from_numpy_ndarray(np.arange(12, dtype=np.float32).reshape(2, 3, 2))
arrays = [
    (pa.array([1, None, 3], pa.int8()), "[1, null, 3]"),
    (pa.array([2**63, 1], pa.uint64()), "[9223372036854776000.0, 1]"),
    (pa.array([0.5, 1.5], pa.float16()), "[0.5, 1.5]"),
    (pa.array([0.25], pa.float32()), "0.25"),
    (pa.array(np.arange(3, dtype=np.uint8)), "0x[000102]"),
    (pa.array(["a", None], pa.large_string()), "[a, null]"),
    (pa.array(["ab", "abcdefghijklmnopqrst"], pa.string_view()), "[ab, abcdefghijklmnopqrst]"),
    (pa.array([b"\x01", None]), "[0x[01], null]"),
    (pa.array([at], pa.timestamp("ms", "UTC")), "2026-01-31T10:00:00.250+00:00"),
    (pa.array([at], pa.timestamp("s", "+01:00")), "2026-01-31T11:00:00+01:00"),
    (pa.array([at.date()]), "2026-01-31T00:00:00+00:00"),
    (pa.array([datetime.time(0, 0, 1)]), "1sec"),
    (pa.array([datetime.timedelta(seconds=2)]), "2sec"),
    (pa.array([decimal.Decimal("1.50")]), "1.5"),
    (pa.array([{"x": 1, "y": {"z": [1.5]}}, None]), "[{x: 1, y: {z: [1.5]}}, null]"),
    (pa.array([[1, 2], [], None]), "[[1, 2], [], null]"),
    (pa.array([[1, 2], [3, 4]], pa.list_(pa.uint8(), 2)), "[0x[0102], 0x[0304]]"),
    (pa.array([[[1], [2]]], pa.large_list(pa.list_(pa.int16()))), "[[1], [2]]"),
    (pa.array(["a", "b", None, "a"]).dictionary_encode(), "[a, b, null, a]"),
    (pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())), "[{a: 1}, null]"),
    (pa.array([[(7, 1)]], pa.map_(pa.int8(), pa.int64())), "[[key, value]; [7, 1]]"),
    (pa.UnionArray.from_dense(pa.array([0, 1, 0], pa.int8()), pa.array([0, 0, 1], pa.int32()), [pa.array([1, 2]), pa.array(["x"])]), "[1, x, 2]"),
    (pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["x", "y"])]), "[1, y]"),
    (pa.RunEndEncodedArray.from_arrays([2, 3], ["a", "b"]), "[a, a, b]"),
    (pa.array([True, False])[1:], "false"),
    (pa.array([{"x": n} for n in range(5)])[3:], "[[x]; [3], [4]]"),
    (pa.array([[n, n] for n in range(5)], pa.list_(pa.int64(), 2))[3:], "[[3, 3], [4, 4]]"),
    (pa.nulls(2), "[null, null]"),
    (pa.array([], pa.int64()), "[]"),
    (tensor, "[[[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]], [[6.0, 7.0], [8.0, 9.0], [10.0, 11.0]]]"),
]
for n, (array, text) in enumerate(arrays):
    batch = pa.record_batch([array], schema=pa.schema([pa.field("data", array.type)]))
    with pa.OSFile(f"{sys.argv[1]}/{n}.arrows", "wb") as file, pa.ipc.new_stream(file, batch.schema) as stream:
        stream.write_batch(batch)
    print(text)
"#;

#[test]
fn arrays_of_pyarrow_are_read_as_python_means_them() {
    let directory = tempfile::tempdir().unwrap();
    let python = std::env::var("DORA_TEST_PYTHON").unwrap_or_else(|_| "python3".to_string());
    let wrote = Command::new(python).args(["-c", PYARROW]).arg(directory.path()).output().unwrap();
    assert!(wrote.status.success(), "{}", String::from_utf8_lossy(&wrote.stderr));
    let texts = String::from_utf8(wrote.stdout).unwrap();
    assert_eq!(texts.lines().count(), 30);
    for (n, text) in texts.lines().enumerate() {
        let bytes = std::fs::read(directory.path().join(format!("{n}.arrows"))).unwrap();
        let payload = read(&bytes).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        assert_eq!(json(&payload.value), text, "{}", payload.of);
    }
}
