//! Types, their text, and what accepts what.

use std::fmt;
use std::sync::Arc;

use diag::{Diagnostic, Result, codes};

use crate::value::Resource;

/// What a value can be. Written in signatures as it prints here.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// Known only when the program runs.
    Any,
    Nothing,
    Bool,
    Int,
    Float,
    /// An int or a float.
    Number,
    String,
    /// A string out of a closed set of words, written `string@[a b c]`.
    Word(Arc<[Arc<str>]>),
    Binary,
    Duration,
    Filesize,
    DateTime,
    Range,
    CellPath,
    Closure,
    List(Box<Type>),
    Record(Fields),
    Table(Fields),
    /// What `group-by` gives: the keys of each group and the columns of its rows. Accepted where a record is.
    Groups(Box<(Fields, Fields)>),
    OneOf(Vec<Type>),
}

/// The named parts of a record or table type.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fields {
    pub columns: Vec<(Arc<str>, Type)>,
    /// Whether there may be columns beside these. `record` and `table` alone are open and name none.
    pub open: bool,
    /// Whose rows these are, so that a bare verb finds its command. Not part of the type's text.
    pub resource: Option<Resource>,
}

impl Fields {
    pub fn open() -> Self {
        Fields { open: true, ..Self::default() }
    }

    pub fn closed(columns: Vec<(Arc<str>, Type)>) -> Self {
        Fields { columns, ..Self::default() }
    }

    pub fn get(&self, name: &str) -> Option<&Type> {
        self.columns.iter().find(|(column, _)| &**column == name).map(|(_, of)| of)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.columns.iter().map(|(name, _)| &**name)
    }

    /// Sets a column's type, adding the column at the end when it is new.
    pub fn set(&mut self, name: &str, of: Type) {
        match self.columns.iter_mut().find(|(column, _)| &**column == name) {
            Some((_, slot)) => *slot = of,
            None => self.columns.push((name.into(), of)),
        }
    }
}

/// Types longer than this are told in brief.
const BRIEF: usize = 60;

impl Type {
    pub fn list(of: Type) -> Self {
        Type::List(Box::new(of))
    }

    pub fn is_any(&self) -> bool {
        matches!(self, Type::Any)
    }

    pub fn is_number(&self) -> bool {
        matches!(self, Type::Int | Type::Float | Type::Number)
    }

    /// The type of one row or item, for what is made of rows or items.
    pub fn item(&self) -> Type {
        match self {
            Type::List(of) => (**of).clone(),
            Type::Table(fields) => Type::Record(fields.clone()),
            Type::Range => Type::Number,
            Type::OneOf(all) => all.iter().map(Type::item).reduce(Type::union).unwrap_or(Type::Any),
            _ => Type::Any,
        }
    }

    /// The type of many of these.
    pub fn many(self) -> Type {
        match self {
            Type::Record(fields) => Type::Table(fields),
            other => Type::list(other),
        }
    }

    /// The fields of a record or table, or of a list of records.
    pub fn fields(&self) -> Option<&Fields> {
        match self {
            Type::Record(fields) | Type::Table(fields) => Some(fields),
            Type::List(of) => match &**of {
                Type::Record(fields) => Some(fields),
                _ => None,
            },
            _ => None,
        }
    }

    pub fn fields_mut(&mut self) -> Option<&mut Fields> {
        match self {
            Type::Record(fields) | Type::Table(fields) => Some(fields),
            Type::List(of) => match &mut **of {
                Type::Record(fields) => Some(fields),
                _ => None,
            },
            _ => None,
        }
    }

    pub fn resource(&self) -> Option<Resource> {
        self.fields().and_then(|fields| fields.resource)
    }

    /// Whether a value of type `given` can be used where `self` is expected. `any` accepts and is accepted:
    /// what it hides is checked when the program runs.
    pub fn accepts(&self, given: &Type) -> bool {
        match (self, given) {
            (Type::Any, _) | (_, Type::Any) => true,
            (Type::OneOf(all), Type::OneOf(given)) => given.iter().all(|one| all.iter().any(|t| t.accepts(one))),
            (Type::OneOf(all), one) => all.iter().any(|t| t.accepts(one)),
            // Some of what may come is right: not refused here, since a refused program must be wrong.
            (one, Type::OneOf(given)) => given.iter().any(|g| one.accepts(g)),
            (Type::Number, Type::Int | Type::Float) | (Type::Int | Type::Float, Type::Number) => true,
            (Type::Float, Type::Int) => true,
            (Type::String, Type::Word(_)) | (Type::Word(_), Type::String) => true,
            (Type::Word(allowed), Type::Word(words)) => words.iter().any(|word| allowed.contains(word)),
            (Type::List(of), Type::List(given)) => of.accepts(given),
            (Type::List(of), Type::Table(fields)) => of.accepts(&Type::Record(fields.clone())),
            (Type::List(of), Type::Range) => of.accepts(&Type::Number),
            (Type::Table(fields), Type::List(of)) => match &**of {
                Type::Any => true,
                Type::Record(given) => fields.accepts(given),
                Type::OneOf(all) => all.iter().all(|one| matches!(one, Type::Record(given) if fields.accepts(given))),
                _ => false,
            },
            (Type::Table(a), Type::Table(b)) | (Type::Record(a), Type::Record(b)) => a.accepts(b),
            (Type::Record(fields), Type::Groups(_)) => fields.columns.is_empty(),
            (Type::Groups(_), Type::Groups(_)) => true,
            (a, b) => a == b,
        }
    }

    /// Whether some value of type `given` could be used where `self` is expected.
    pub fn may_accept(&self, given: &Type) -> bool {
        match given {
            Type::OneOf(all) => all.iter().any(|one| self.accepts(one)),
            one => self.accepts(one),
        }
    }

    /// The type as messages tell it: rows of a resource by its name, many columns by the first ones.
    pub fn brief(&self) -> String {
        let (kind, fields) = match self {
            Type::Table(fields) => ("table", fields),
            Type::Record(fields) => ("record", fields),
            other => return other.to_string(),
        };
        match (fields.resource, kind) {
            (Some(resource), "table") => return format!("a table of {resource}s"),
            (Some(resource), _) => return format!("the row of a {resource}"),
            (None, _) => {}
        }
        let whole = self.to_string();
        if whole.chars().count() <= BRIEF {
            return whole;
        }
        let names: Vec<String> = fields.names().take(3).map(crate::literal::bare_or_quoted).collect();
        format!("{kind}<{}, …{} more>", names.join(", "), fields.columns.len().saturating_sub(3))
    }

    /// The smallest type that covers both.
    pub fn union(self, other: Type) -> Type {
        match (self, other) {
            (a, b) if a == b => a,
            (Type::Any, _) | (_, Type::Any) => Type::Any,
            (Type::Number, Type::Int | Type::Float) | (Type::Int | Type::Float, Type::Number) => Type::Number,
            (Type::String, Type::Word(_)) | (Type::Word(_), Type::String) => Type::String,
            (Type::List(a), Type::List(b)) => Type::list(a.union(*b)),
            (Type::Record(a), Type::Record(b)) if a.same_names(&b) => Type::Record(a.union(b)),
            (Type::Table(a), Type::Table(b)) if a.same_names(&b) => Type::Table(a.union(b)),
            (Type::OneOf(mut all), Type::OneOf(more)) => {
                for one in more {
                    if !all.contains(&one) {
                        all.push(one);
                    }
                }
                Type::OneOf(all)
            }
            (Type::OneOf(mut all), one) | (one, Type::OneOf(mut all)) => {
                if !all.contains(&one) {
                    all.push(one);
                }
                Type::OneOf(all)
            }
            (a, b) => Type::OneOf(vec![a, b]),
        }
    }

    /// Reads a type as signatures write it, such as `table<name: string, size: filesize>`.
    pub fn parse(text: &str) -> Result<Type> {
        let mut reader = Reader { text, at: 0 };
        let of = reader.one()?;
        reader.space();
        if reader.at < text.len() {
            return Err(reader.unexpected());
        }
        Ok(of)
    }
}

impl Fields {
    fn accepts(&self, given: &Fields) -> bool {
        self.columns.iter().all(|(name, of)| match given.get(name) {
            Some(given) => of.accepts(given),
            None => given.open,
        })
    }

    fn same_names(&self, other: &Fields) -> bool {
        self.open == other.open && self.names().eq(other.names())
    }

    fn union(self, other: Fields) -> Fields {
        let resource = if self.resource == other.resource { self.resource } else { None };
        let columns =
            self.columns.into_iter().zip(other.columns).map(|((name, a), (_, b))| (name, a.union(b))).collect();
        Fields { columns, open: self.open, resource }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Type::Any => "any",
            Type::Nothing => "nothing",
            Type::Bool => "bool",
            Type::Int => "int",
            Type::Float => "float",
            Type::Number => "number",
            Type::String => "string",
            Type::Binary => "binary",
            Type::Duration => "duration",
            Type::Filesize => "filesize",
            Type::DateTime => "datetime",
            Type::Range => "range",
            Type::CellPath => "cell-path",
            Type::Closure => "closure",
            Type::Word(words) => {
                let words: Vec<&str> = words.iter().map(|word| &**word).collect();
                return write!(f, "string@[{}]", words.join(" "));
            }
            Type::List(of) => return write!(f, "list<{of}>"),
            Type::Record(fields) => return write_fields(f, "record", fields),
            Type::Table(fields) => return write_fields(f, "table", fields),
            Type::Groups(parts) => {
                return write!(f, "groups<{}; {}>", Type::Record(parts.0.clone()), Type::Table(parts.1.clone()));
            }
            Type::OneOf(all) => {
                f.write_str("oneof<")?;
                for (i, one) in all.iter().enumerate() {
                    write!(f, "{}{one}", if i > 0 { ", " } else { "" })?;
                }
                return f.write_str(">");
            }
        };
        f.write_str(name)
    }
}

fn write_fields(f: &mut fmt::Formatter<'_>, kind: &str, fields: &Fields) -> fmt::Result {
    f.write_str(kind)?;
    if fields.columns.is_empty() {
        return Ok(());
    }
    f.write_str("<")?;
    for (i, (name, of)) in fields.columns.iter().enumerate() {
        let name = crate::literal::bare_or_quoted(name);
        write!(f, "{}{name}: {of}", if i > 0 { ", " } else { "" })?;
    }
    f.write_str(if fields.open { ", …>" } else { ">" })
}

/// Reads type text from left to right.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn eat(&mut self, token: &str) -> bool {
        self.space();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn word(&mut self) -> &'a str {
        self.space();
        let rest = self.rest();
        if let Some(inner) = rest.strip_prefix('"') {
            if let Some(end) = inner.find('"') {
                self.at += end + 2;
                return &inner[..end];
            }
        }
        let end = rest.find(|c: char| !(c.is_alphanumeric() || "-_$/.".contains(c))).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn unexpected(&self) -> Box<Diagnostic> {
        let found = self.rest().chars().next().map_or("the end".to_string(), |c| format!("`{c}`"));
        Diagnostic::new(codes::BAD_TYPE, format!("this is not a type: {found} was not expected in `{}`", self.text))
    }

    fn one(&mut self) -> Result<Type> {
        let word = self.word();
        let of = match word {
            "any" => Type::Any,
            "nothing" | "null" => Type::Nothing,
            "bool" => Type::Bool,
            "int" => Type::Int,
            "float" => Type::Float,
            "number" => Type::Number,
            "string" | "path" | "directory" | "glob" => Type::String,
            "binary" => Type::Binary,
            "duration" => Type::Duration,
            "filesize" => Type::Filesize,
            "datetime" => Type::DateTime,
            "range" => Type::Range,
            "cell-path" => Type::CellPath,
            "closure" => return self.closure(),
            "list" => {
                if !self.eat("<") {
                    return Ok(Type::list(Type::Any));
                }
                let of = self.one()?;
                self.close()?;
                Type::list(of)
            }
            "record" => Type::Record(self.fields()?),
            "table" => Type::Table(self.fields()?),
            "groups" => {
                if !self.eat("<") {
                    return Ok(Type::Groups(Box::new((Fields::open(), Fields::open()))));
                }
                let keys = self.one()?.fields().cloned().unwrap_or_else(Fields::open);
                if !self.eat(";") {
                    return Err(self.unexpected());
                }
                let rows = self.one()?.fields().cloned().unwrap_or_else(Fields::open);
                self.close()?;
                Type::Groups(Box::new((keys, rows)))
            }
            "oneof" => {
                let mut all = Vec::new();
                if self.eat("<") {
                    while !self.eat(">") {
                        all.push(self.one()?);
                        self.eat(",");
                    }
                }
                Type::OneOf(all)
            }
            "" => return Err(self.unexpected()),
            other => {
                let names = ["any", "nothing", "bool", "int", "float", "number", "string", "binary", "duration"];
                let more =
                    ["filesize", "datetime", "range", "cell-path", "closure", "list", "record", "table", "oneof"];
                let error = Diagnostic::new(codes::BAD_TYPE, format!("there is no type `{other}`"));
                return Err(match diag::suggest::did_you_mean(other, names.into_iter().chain(more)) {
                    Some(help) => error.help(help),
                    None => error,
                });
            }
        };
        if of == Type::String && self.rest().starts_with("@[") {
            self.at += 2;
            let mut words: Vec<Arc<str>> = Vec::new();
            while !self.eat("]") {
                let word = self.word();
                if word.is_empty() {
                    return Err(self.unexpected());
                }
                words.push(word.into());
                self.eat(",");
            }
            return Ok(Type::Word(words.into()));
        }
        Ok(of)
    }

    /// `closure` may say what it takes and gives, as `closure(any): bool`; only that it is one is kept.
    fn closure(&mut self) -> Result<Type> {
        if self.eat("(") {
            while !self.eat(")") {
                self.one()?;
                self.eat(",");
            }
            if self.eat(":") {
                self.one()?;
            }
        }
        Ok(Type::Closure)
    }

    fn close(&mut self) -> Result<()> {
        if self.eat(">") { Ok(()) } else { Err(self.unexpected()) }
    }

    fn fields(&mut self) -> Result<Fields> {
        if !self.eat("<") {
            return Ok(Fields::open());
        }
        let mut fields = Fields::default();
        while !self.eat(">") {
            if self.eat("…") || self.eat("...") {
                fields.open = true;
            } else {
                let name = self.word();
                if name.is_empty() {
                    return Err(self.unexpected());
                }
                let of = if self.eat(":") { self.one()? } else { Type::Any };
                fields.columns.push((name.into(), of));
            }
            self.eat(",");
        }
        // `record<>` is how an open record prints its lack of columns.
        fields.open |= fields.columns.is_empty();
        Ok(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_print_as_they_are_read() {
        for text in [
            "table<name: string, size: filesize, nested: record<a: list<int>>>",
            "oneof<int, nothing, list<oneof<string, int>>>",
            "string@[running stopped]",
            "record",
            "list<any>",
            "groups<record<topic: string>; table<topic: string, n: int>>",
            "table<name: string, …>",
        ] {
            assert_eq!(Type::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_wrong_type_name_is_corrected() {
        let error = Type::parse("list<strng>").unwrap_err();
        assert_eq!(error.help.as_deref(), Some("did you mean `string`?"));
        assert!(Type::parse("list<int").is_err() && Type::parse("int>").is_err());
    }

    #[test]
    fn wider_tables_are_accepted_and_narrower_are_not() {
        let wanted = Type::parse("table<name: string>").unwrap();
        assert!(wanted.accepts(&Type::parse("table<id: int, name: string>").unwrap()));
        assert!(wanted.accepts(&Type::parse("list<record<name: string>>").unwrap()));
        assert!(!wanted.accepts(&Type::parse("table<id: int>").unwrap()));
        assert!(wanted.accepts(&Type::parse("table").unwrap()));
    }
}
