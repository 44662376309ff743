//! Expressions over the values of a record, in three-valued logic: nothing is equal to what is missing.

use std::cmp::Ordering;

use cos_transport::wire::select::SelectFailure;
use serde_json::{Number, Value};

use super::sql::failure;

/// What has columns.
pub(crate) trait Record {
    /// The value of a column; `Null` where there is none.
    fn column(&self, column: &Column) -> Value;
}

/// The name of a column: its parts, each with whether it was quoted, and so means exactly that.
#[derive(Debug)]
pub(crate) struct Column(pub(crate) Vec<(String, bool)>);

#[derive(Debug)]
pub(crate) enum Expression {
    Column(Column),
    Literal(Value),
    Compare(Comparison, Box<Expression>, Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    Not(Box<Expression>),
    IsNull(Box<Expression>),
    In(Box<Expression>, Vec<Expression>),
    /// With the character that takes the meaning from the next one.
    Like(Box<Expression>, Box<Expression>, Option<char>),
    Calculate(Operation, Box<Expression>, Box<Expression>),
    Cast(Box<Expression>, Cast),
    Call(Scalar, Box<Expression>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cast {
    Integer,
    Float,
    Text,
    Boolean,
}

/// Functions of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    Lower,
    Upper,
    CharLength,
}

/// Functions of all records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aggregate {
    Count,
    Sum,
    Min,
    Max,
    Avg,
}

impl Scalar {
    pub(crate) fn named(name: &str) -> Option<Scalar> {
        match name.to_ascii_uppercase().as_str() {
            "LOWER" => Some(Scalar::Lower),
            "UPPER" => Some(Scalar::Upper),
            "CHAR_LENGTH" | "CHARACTER_LENGTH" => Some(Scalar::CharLength),
            _ => None,
        }
    }
}

impl Aggregate {
    pub(crate) fn named(name: &str) -> Option<Aggregate> {
        match name.to_ascii_uppercase().as_str() {
            "COUNT" => Some(Aggregate::Count),
            "SUM" => Some(Aggregate::Sum),
            "MIN" => Some(Aggregate::Min),
            "MAX" => Some(Aggregate::Max),
            "AVG" => Some(Aggregate::Avg),
            _ => None,
        }
    }
}

impl Expression {
    /// The value for a record.
    pub(crate) fn value(&self, record: &impl Record) -> Result<Value, SelectFailure> {
        Ok(match self {
            Expression::Column(column) => record.column(column),
            Expression::Literal(value) => value.clone(),
            Expression::Calculate(operation, left, right) => {
                calculate(*operation, &left.value(record)?, &right.value(record)?)?
            }
            Expression::Cast(inner, cast) => inner.value(record)?.cast(*cast)?,
            Expression::Call(scalar, inner) => call(*scalar, inner.value(record)?),
            condition => condition.holds(record)?.map_or(Value::Null, Value::Bool),
        })
    }

    /// Whether it is true for a record; nothing when that is unknown.
    pub(crate) fn holds(&self, record: &impl Record) -> Result<Option<bool>, SelectFailure> {
        Ok(match self {
            Expression::Compare(comparison, left, right) => {
                compare(&left.value(record)?, &right.value(record)?).map(|order| comparison.allows(order))
            }
            Expression::And(left, right) => match (left.holds(record)?, right.holds(record)?) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Expression::Or(left, right) => match (left.holds(record)?, right.holds(record)?) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Expression::Not(inner) => inner.holds(record)?.map(|holds| !holds),
            Expression::IsNull(inner) => Some(inner.value(record)?.is_null()),
            Expression::In(inner, list) => {
                let value = inner.value(record)?;
                let mut found = Some(false);
                for item in list {
                    match compare(&value, &item.value(record)?) {
                        Some(Ordering::Equal) => return Ok(Some(true)),
                        Some(_) => {}
                        None => found = None,
                    }
                }
                found
            }
            Expression::Like(inner, pattern, escape) => {
                match (inner.value(record)?.as_str(), pattern.value(record)?.as_str()) {
                    (Some(text), Some(pattern)) => Some(like(text, pattern, *escape)),
                    _ => None,
                }
            }
            value => match value.value(record)? {
                Value::Bool(holds) => Some(holds),
                Value::Null => None,
                other => {
                    let message = format!("{other} is neither true nor false.");
                    return Err(failure("EvaluatorInvalidArguments", message));
                }
            },
        })
    }
}

impl Comparison {
    fn allows(self, order: Ordering) -> bool {
        match self {
            Comparison::Equal => order.is_eq(),
            Comparison::NotEqual => order.is_ne(),
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterOrEqual => order.is_ge(),
        }
    }
}

/// The order of two values; nothing when there is none. A text beside a number counts as the number it reads as,
/// since all values of CSV are texts.
pub(crate) fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Null, _) | (_, Value::Null) => None,
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        (left, right) => match (integer(left), integer(right)) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            _ => float(left)?.partial_cmp(&float(right)?),
        },
    }
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

pub(crate) fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

pub(crate) fn number(value: f64) -> Value {
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

pub(crate) fn calculate(operation: Operation, left: &Value, right: &Value) -> Result<Value, SelectFailure> {
    if left.is_null() || right.is_null() {
        return Ok(Value::Null);
    }
    let zero = || failure("DivideByZero", "A number is divided by zero.");
    if let (Some(left), Some(right)) = (integer(left), integer(right)) {
        let exact = match operation {
            Operation::Add => left.checked_add(right),
            Operation::Subtract => left.checked_sub(right),
            Operation::Multiply => left.checked_mul(right),
            Operation::Divide | Operation::Remainder if right == 0 => return Err(zero()),
            Operation::Divide => left.checked_div(right),
            Operation::Remainder => left.checked_rem(right),
        };
        if let Some(exact) = exact {
            return Ok(exact.into());
        }
    }
    let (Some(a), Some(b)) = (float(left), float(right)) else {
        let message = format!("{left} and {right} are not both numbers.");
        return Err(failure("EvaluatorInvalidArguments", message));
    };
    Ok(number(match operation {
        Operation::Add => a + b,
        Operation::Subtract => a - b,
        Operation::Multiply => a * b,
        Operation::Divide | Operation::Remainder if b == 0.0 => return Err(zero()),
        Operation::Divide => a / b,
        Operation::Remainder => a % b,
    }))
}

trait Castable {
    fn cast(self, cast: Cast) -> Result<Value, SelectFailure>;
}

impl Castable for Value {
    fn cast(self, cast: Cast) -> Result<Value, SelectFailure> {
        if self.is_null() {
            return Ok(self);
        }
        let done = match cast {
            Cast::Integer => integer(&self).map(Value::from),
            Cast::Float => float(&self).map(number),
            Cast::Text => Some(Value::String(text(&self))),
            Cast::Boolean => match text(&self).to_ascii_lowercase().as_str() {
                "true" => Some(true.into()),
                "false" => Some(false.into()),
                _ => None,
            },
        };
        done.ok_or_else(|| {
            failure(
                "CastFailed",
                format!("{self} cannot be read as what it is cast to."),
            )
        })
    }
}

/// A value as it is written in a field of CSV.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn call(scalar: Scalar, value: Value) -> Value {
    match (scalar, value) {
        (Scalar::Lower, Value::String(text)) => text.to_lowercase().into(),
        (Scalar::Upper, Value::String(text)) => text.to_uppercase().into(),
        (Scalar::CharLength, Value::String(text)) => text.chars().count().into(),
        _ => Value::Null,
    }
}

/// `%` is any run of characters, `_` any one. Linear in the text for each `%` of the pattern.
fn like(text: &str, pattern: &str, escape: Option<char>) -> bool {
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Piece {
        Any,
        One,
        Exactly(char),
    }
    let mut pieces = Vec::new();
    let mut characters = pattern.chars();
    while let Some(c) = characters.next() {
        pieces.push(match c {
            c if Some(c) == escape => match characters.next() {
                Some(next) => Piece::Exactly(next),
                None => return false,
            },
            '%' => Piece::Any,
            '_' => Piece::One,
            c => Piece::Exactly(c),
        });
    }
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut piece) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while at < text.len() {
        match pieces.get(piece) {
            Some(Piece::Any) => {
                retry = Some((piece + 1, at));
                piece += 1;
            }
            Some(Piece::One) => (at, piece) = (at + 1, piece + 1),
            Some(Piece::Exactly(c)) if *c == text[at] => (at, piece) = (at + 1, piece + 1),
            _ => match retry {
                // The last `%` takes one more character.
                Some((next, from)) => {
                    retry = Some((next, from + 1));
                    (at, piece) = (from + 1, next);
                }
                None => return false,
            },
        }
    }
    pieces[piece..].iter().all(|piece| *piece == Piece::Any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_sql_has_it() {
        for (text, pattern, matches) in [
            ("abc", "abc", true),
            ("abc", "a%", true),
            ("abc", "%c", true),
            ("abc", "_b_", true),
            ("abc", "%b", false),
            ("aXbXc", "a%b%c", true),
            ("", "%", true),
            ("", "_", false),
            ("50%", "50\\%", true),
            ("500", "50\\%", false),
            ("é日", "_日", true),
        ] {
            assert_eq!(like(text, pattern, Some('\\')), matches, "{text} {pattern}");
        }
    }
}
