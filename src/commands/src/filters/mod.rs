//! Tables and lists.

use engine::Command;

pub(crate) mod aggregate;
pub(crate) mod any;
pub(crate) mod append;
pub(crate) mod chart;
pub(crate) mod chunks;
pub(crate) mod columns;
pub(crate) mod combinations;
pub(crate) mod compact;
pub(crate) mod cumulative;
pub(crate) mod default;
pub(crate) mod describe;
pub(crate) mod drop;
pub(crate) mod each;
pub(crate) mod enumerate;
pub(crate) mod every;
pub(crate) mod explode;
pub(crate) mod explore;
pub(crate) mod fill_null;
pub(crate) mod find;
pub(crate) mod first;
pub(crate) mod flatten;
pub(crate) mod generate;
pub(crate) mod get;
pub(crate) mod group_by;
pub(crate) mod headers;
pub(crate) mod histogram;
pub(crate) mod insert;
pub(crate) mod interleave;
pub(crate) mod is_empty;
pub(crate) mod items;
pub(crate) mod join;
pub(crate) mod last;
pub(crate) mod length;
pub(crate) mod lines;
pub(crate) mod merge;
pub(crate) mod r#move;
pub(crate) mod nest;
pub(crate) mod par_each;
pub(crate) mod pivot;
pub(crate) mod range;
pub(crate) mod rank;
pub(crate) mod reduce;
pub(crate) mod reject;
pub(crate) mod rename;
pub(crate) mod reverse;
pub(crate) mod roll;
pub(crate) mod rotate;
pub(crate) mod sample;
pub(crate) mod select;
pub(crate) mod sets;
pub(crate) mod shuffle;
pub(crate) mod skip;
pub(crate) mod sort;
pub(crate) mod sort_by;
pub(crate) mod split_list;
pub(crate) mod sql;
pub(crate) mod summary;
pub(crate) mod take;
pub(crate) mod take_while;
pub(crate) mod transpose;
pub(crate) mod uniq;
pub(crate) mod update;
pub(crate) mod update_cells;
pub(crate) mod upsert;
pub(crate) mod r#where;
pub(crate) mod window;
pub(crate) mod wrap;
pub(crate) mod zip;

/// The commands declared in this folder.
pub static ALL: &[&Command] = &[
    &aggregate::AGGREGATE,
    &any::ANY,
    &any::ALL,
    &append::APPEND,
    &append::PREPEND,
    &chart::LINE,
    &chart::BAR,
    &chart::HIST,
    &chunks::CHUNKS,
    &chunks::CHUNK_BY,
    &combinations::COMBINATIONS,
    &combinations::PERMUTATIONS,
    &columns::COLUMNS,
    &columns::VALUES,
    &compact::COMPACT,
    &cumulative::CUMULATIVE,
    &default::DEFAULT,
    &describe::DESCRIBE,
    &drop::DROP,
    &drop::DROP_NTH,
    &drop::DROP_COLUMN,
    &each::EACH,
    &each::EACH_WHILE,
    &enumerate::ENUMERATE,
    &every::EVERY,
    &explode::EXPLODE,
    &explore::EXPLORE,
    &fill_null::FILL_NULL,
    &find::FIND,
    &first::FIRST,
    &flatten::FLATTEN,
    &generate::GENERATE,
    &get::GET,
    &group_by::GROUP_BY,
    &headers::HEADERS,
    &histogram::HISTOGRAM,
    &insert::INSERT,
    &interleave::INTERLEAVE,
    &is_empty::IS_EMPTY,
    &is_empty::IS_NOT_EMPTY,
    &items::ITEMS,
    &join::JOIN,
    &last::LAST,
    &length::LENGTH,
    &lines::LINES,
    &merge::MERGE,
    &merge::MERGE_DEEP,
    &r#move::MOVE,
    &nest::NEST,
    &par_each::PAR_EACH,
    &pivot::PIVOT,
    &pivot::UNPIVOT,
    &range::RANGE,
    &rank::RANK,
    &reduce::REDUCE,
    &reject::REJECT,
    &rename::RENAME,
    &reverse::REVERSE,
    &roll::DOWN,
    &roll::LEFT,
    &roll::RIGHT,
    &roll::UP,
    &rotate::ROTATE,
    &sample::SAMPLE,
    &select::SELECT,
    &sets::DIFFERENCE,
    &sets::INTERSECT,
    &sets::UNION,
    &shuffle::SHUFFLE,
    &skip::SKIP,
    &skip::SKIP_WHILE,
    &skip::SKIP_UNTIL,
    &sort::SORT,
    &sort_by::SORT_BY,
    &split_list::SPLIT_LIST,
    &summary::SUMMARY,
    &sql::SQL,
    &take::TAKE,
    &take_while::TAKE_WHILE,
    &take_while::TAKE_UNTIL,
    &transpose::TRANSPOSE,
    &uniq::UNIQ,
    &uniq::UNIQ_BY,
    &update::UPDATE,
    &update_cells::UPDATE_CELLS,
    &upsert::UPSERT,
    &r#where::WHERE,
    &window::WINDOW,
    &wrap::WRAP,
    &zip::ZIP,
];
