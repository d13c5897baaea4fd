//! `--filter 'status=failed,age>1h'`, as docker's users write it.

use std::time::Duration;

use runtime::model::{DataflowInfo, UnixNanos};

use crate::model::DATAFLOW_STATUSES;
use crate::prelude::*;

pub(crate) const FILTER: Param = Param::flag(
    "filter",
    None,
    Takes::Type("string"),
    "Only those that fit: `status=failed`, `name=camera`, `runtime=daemon`, `age>1hr`, joined by commas",
);

/// What a filter asks for; all of it must fit.
#[derive(Default)]
pub(crate) struct Filter(Vec<Wanted>);

enum Wanted {
    Status(String),
    Name(String),
    Runtime(String),
    /// Created at least so long ago.
    Older(Duration),
    /// Created less than so long ago.
    Younger(Duration),
}

/// The filter of a call.
pub(crate) fn of(call: &Call<'_>) -> Result<Filter> {
    let text: Option<String> = call.optional("filter")?;
    let parts = text.iter().flat_map(|text| text.split(',')).map(str::trim).filter(|part| !part.is_empty());
    parts.map(wanted).collect::<Result<_>>().map(Filter).map_err(|error| error.label(call.span("filter"), "here"))
}

impl Filter {
    pub(crate) fn fits(&self, info: &DataflowInfo) -> bool {
        let age = UnixNanos::now().since(info.created);
        self.0.iter().all(|wanted| match wanted {
            Wanted::Status(status) => info.status.as_str() == status,
            Wanted::Name(name) => info.name == *name,
            Wanted::Runtime(runtime) => info.runtime == *runtime,
            Wanted::Older(than) => age >= *than,
            Wanted::Younger(than) => age < *than,
        })
    }
}

fn wanted(part: &str) -> Result<Wanted> {
    let at = part.find(['=', '>', '<']).ok_or_else(|| odd(part))?;
    let (key, sign, text) = (part[..at].trim(), &part[at..=at], part[at + 1..].trim());
    match (key, sign) {
        ("status", "=") if DATAFLOW_STATUSES.contains(&text) => Ok(Wanted::Status(text.to_string())),
        ("status", "=") => {
            let error = Diagnostic::new(codes::NOT_IN_SET, format!("`{text}` is no state of a dataflow"));
            Err(match diag::suggest::did_you_mean(text, DATAFLOW_STATUSES.iter().copied()) {
                Some(hint) => error.help(hint),
                None => error.help(format!("the states are {}", DATAFLOW_STATUSES.join(", "))),
            })
        }
        ("name", "=") => Ok(Wanted::Name(text.to_string())),
        ("runtime", "=") => Ok(Wanted::Runtime(text.to_string())),
        ("age", ">") => age(part, text).map(Wanted::Older),
        ("age", "<") => age(part, text).map(Wanted::Younger),
        _ => Err(odd(part)),
    }
}

fn age(part: &str, text: &str) -> Result<Duration> {
    // `1h` and `2d` are how docker's users write it.
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let word = match unit {
        "h" => "hr",
        "d" => "day",
        "w" => "wk",
        "m" => "min",
        "s" => "sec",
        other => other,
    };
    let number = &text[..text.len() - unit.len()];
    let nanos = value::units::parse_duration(&format!("{number}{word}")).ok_or_else(|| odd(part))?;
    u64::try_from(nanos).map(Duration::from_nanos).map_err(|_| odd(part))
}

fn odd(part: &str) -> Box<Diagnostic> {
    Diagnostic::new(codes::BAD_ARGUMENT, format!("`{part}` is not something to filter by"))
        .help("write `status=failed`, `name=camera`, `runtime=daemon`, `age>1hr` or `age<1day`, joined by commas")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_read_as_docker_and_as_we_write_them() {
        for text in ["1h", "1hr", "60min", "60m", "3600s"] {
            assert_eq!(age("", text).unwrap(), Duration::from_secs(3600), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_filtered_by_is_told() {
        for part in ["age=1h", "state=failed", "status", "age>soon"] {
            assert_eq!(wanted(part).err().unwrap().code, codes::BAD_ARGUMENT, "{part}");
        }
        assert_eq!(wanted("status=runing").err().unwrap().help.as_deref(), Some("did you mean `running`?"));
    }
}
