//! The SQL that selections are written in: parsed by a parser of the whole language, of which a part is possible.

use cos_transport::wire::select::SelectFailure;
use sqlparser::ast::{
    BinaryOperator, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident,
    InTarget, LimitClause, Query, Select, SelectItem, SetExpr, Statement, TableFactor, UnaryOperator, Value,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;

use super::expression::{Aggregate, Cast, Column, Comparison, Expression, Operation, Scalar};

/// A selection, understood.
#[derive(Debug)]
pub(crate) struct Selection {
    /// Which values of a JSON document are records.
    pub(crate) path: Vec<Step>,
    pub(crate) items: Items,
    pub(crate) filter: Option<Expression>,
    pub(crate) limit: Option<u64>,
}

/// What is given of each record, or of all together.
#[derive(Debug)]
pub(crate) enum Items {
    All,
    /// Names and values.
    Each(Vec<(String, Expression)>),
    /// Names, functions and what they are over.
    Totals(Vec<(String, Aggregate, Option<Expression>)>),
}

/// A step into a JSON document.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// `[*]`: each element of an array.
    Elements,
    /// `.name`: a member.
    Member(String),
}

impl Selection {
    /// Reads an expression such as `SELECT s.name FROM COSObject s WHERE s.size > 5 LIMIT 10`.
    pub(crate) fn parse(sql: &str) -> Result<Selection, SelectFailure> {
        let (sql, path) = take_path(sql)?;
        let statements = Parser::parse_sql(&GenericDialect {}, &sql)
            .map_err(|error| failure("ParseUnexpectedToken", error.to_string()))?;
        let [Statement::Query(query)] = statements.as_slice() else {
            return Err(unsupported("anything but one SELECT"));
        };
        let SetExpr::Select(select) = query.body.as_ref() else {
            return Err(unsupported("anything but one SELECT"));
        };
        let names = table(select)?;
        refuse_other_clauses(query, select)?;
        let scope = Scope { names };
        Ok(Selection {
            path,
            items: scope.items(&select.projection)?,
            filter: select
                .selection
                .as_ref()
                .map(|filter| scope.expression(filter))
                .transpose()?,
            limit: limit(query)?,
        })
    }
}

pub(crate) fn failure(code: &str, message: impl Into<String>) -> SelectFailure {
    SelectFailure {
        code: code.to_owned(),
        message: message.into(),
    }
}

fn unsupported(what: &str) -> SelectFailure {
    failure(
        "UnsupportedSqlStructure",
        format!("This server does not select by {what}."),
    )
}

/// Takes what follows the table's name, such as `[*].items[*]`, out of the text: SQL has nothing of the kind.
fn take_path(sql: &str) -> Result<(String, Vec<Step>), SelectFailure> {
    const TABLE: &str = "cosobject";
    let lower = sql.to_ascii_lowercase();
    let found = lower.match_indices(TABLE).map(|(at, _)| at).find(|at| {
        // Not inside a string, and behind FROM.
        lower[..*at].matches('\'').count().is_multiple_of(2) && lower[..*at].trim_end().ends_with("from")
    });
    let Some(at) = found else {
        return Ok((sql.to_owned(), Vec::new()));
    };
    let (before, mut rest) = sql.split_at(at + TABLE.len());
    let mut path = Vec::new();
    loop {
        if let Some(behind) = rest.strip_prefix("[*]") {
            path.push(Step::Elements);
            rest = behind;
        } else if let Some(behind) = rest.strip_prefix('.') {
            let is_name = |c: char| c.is_alphanumeric() || c == '_';
            let end = behind.find(|c| !is_name(c)).unwrap_or(behind.len());
            if end == 0 {
                return Err(failure(
                    "ParseUnexpectedToken",
                    "A name must follow the point behind COSObject.",
                ));
            }
            path.push(Step::Member(behind[..end].to_owned()));
            rest = &behind[end..];
        } else {
            return Ok((format!("{before}{rest}"), path));
        }
    }
}

/// The names that the object goes by: the table's and its alias.
fn table(select: &Select) -> Result<Vec<String>, SelectFailure> {
    let [from] = select.from.as_slice() else {
        return Err(unsupported("anything but FROM COSObject"));
    };
    let TableFactor::Table { name, alias, .. } = &from.relation else {
        return Err(unsupported("anything but FROM COSObject"));
    };
    if !name.to_string().eq_ignore_ascii_case("cosobject") {
        return Err(unsupported("anything but FROM COSObject"));
    }
    let alias = alias.iter().map(|alias| alias.name.value.to_lowercase());
    Ok(std::iter::once("cosobject".to_owned()).chain(alias).collect())
}

/// What is understood, written down again, must be all that was asked.
fn refuse_other_clauses(query: &Query, select: &Select) -> Result<(), SelectFailure> {
    let items: Vec<String> = select.projection.iter().map(ToString::to_string).collect();
    let TableFactor::Table { name, alias, .. } = &select.from[0].relation else {
        return Err(unsupported("anything but FROM COSObject"));
    };
    let mut understood = format!("SELECT {} FROM {name}", items.join(", "));
    if let Some(alias) = alias {
        let word = if alias.explicit { " AS " } else { " " };
        understood += &format!("{word}{}", alias.name);
    }
    if let Some(filter) = &select.selection {
        understood += &format!(" WHERE {filter}");
    }
    if let Some(limit) = &query.limit_clause {
        understood += &limit.to_string();
    }
    match understood == query.to_string() {
        true => Ok(()),
        false => Err(unsupported("clauses other than WHERE and LIMIT")),
    }
}

fn limit(query: &Query) -> Result<Option<u64>, SelectFailure> {
    match &query.limit_clause {
        None => Ok(None),
        Some(LimitClause::LimitOffset {
            limit: Some(Expr::Value(value)),
            offset: None,
            ..
        }) => match &value.value {
            Value::Number(number, _) => number
                .parse()
                .map(Some)
                .map_err(|_| failure("ParseUnexpectedToken", "LIMIT must be a whole number.")),
            _ => Err(failure("ParseUnexpectedToken", "LIMIT must be a whole number.")),
        },
        Some(_) => Err(unsupported("OFFSET, or a LIMIT that is no number")),
    }
}

/// How names in expressions are understood.
struct Scope {
    names: Vec<String>,
}

impl Scope {
    fn items(&self, projection: &[SelectItem]) -> Result<Items, SelectFailure> {
        if let [SelectItem::Wildcard(_)] = projection {
            return Ok(Items::All);
        }
        if let [SelectItem::QualifiedWildcard(kind, _)] = projection {
            let name = kind.to_string().to_lowercase();
            if self.names.contains(&name.trim_end_matches(".*").to_owned()) {
                return Ok(Items::All);
            }
        }
        let (mut each, mut totals) = (Vec::new(), Vec::new());
        for (index, item) in projection.iter().enumerate() {
            let (expr, alias) = match item {
                SelectItem::UnnamedExpr(expr) => (expr, None),
                SelectItem::ExprWithAlias { expr, alias } => (expr, Some(alias.value.clone())),
                _ => return Err(unsupported("* beside other columns")),
            };
            let name = alias
                .or_else(|| own_name(expr))
                .unwrap_or(format!("_{}", index + 1));
            match self.aggregate(expr)? {
                Some((function, over)) => totals.push((name, function, over)),
                None => each.push((name, self.expression(expr)?)),
            }
        }
        match (each.is_empty(), totals.is_empty()) {
            (_, true) => Ok(Items::Each(each)),
            (true, false) => Ok(Items::Totals(totals)),
            (false, false) => Err(unsupported("columns beside totals")),
        }
    }

    fn aggregate(&self, expr: &Expr) -> Result<Option<(Aggregate, Option<Expression>)>, SelectFailure> {
        let Expr::Function(function) = expr else {
            return Ok(None);
        };
        let Some(aggregate) = Aggregate::named(&function.name.to_string()) else {
            return Ok(None);
        };
        match argument(function)? {
            FunctionArgExpr::Wildcard if aggregate == Aggregate::Count => Ok(Some((aggregate, None))),
            FunctionArgExpr::Expr(over) => Ok(Some((aggregate, Some(self.expression(over)?)))),
            _ => Err(unsupported("a function over *, other than COUNT")),
        }
    }

    fn expression(&self, expr: &Expr) -> Result<Expression, SelectFailure> {
        let one = |expr: &Expr| self.expression(expr).map(Box::new);
        Ok(match expr {
            Expr::Identifier(name) => Expression::Column(column(std::slice::from_ref(name))),
            Expr::CompoundIdentifier(names) => {
                let is_table = self.names.contains(&names[0].value.to_lowercase());
                Expression::Column(column(&names[usize::from(is_table)..]))
            }
            Expr::Nested(inner) => self.expression(inner)?,
            Expr::Value(value) => Expression::Literal(literal(&value.value)?),
            Expr::IsNull(inner) => Expression::IsNull(one(inner)?),
            Expr::IsNotNull(inner) => Expression::Not(Box::new(Expression::IsNull(one(inner)?))),
            Expr::UnaryOp { op, expr } => match op {
                UnaryOperator::Not => Expression::Not(one(expr)?),
                UnaryOperator::Plus => self.expression(expr)?,
                UnaryOperator::Minus => Expression::Calculate(
                    Operation::Subtract,
                    Box::new(Expression::Literal(0.into())),
                    one(expr)?,
                ),
                _ => return Err(unsupported(&format!("the operator {op}"))),
            },
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right)?,
            Expr::Between {
                expr,
                negated,
                low,
                high,
            } => {
                let low = Expression::Compare(Comparison::GreaterOrEqual, one(expr)?, one(low)?);
                let high = Expression::Compare(Comparison::LessOrEqual, one(expr)?, one(high)?);
                negate(*negated, Expression::And(Box::new(low), Box::new(high)))
            }
            Expr::In {
                expr,
                target: InTarget::List(list),
                negated,
                ..
            } => {
                let list = list.iter().map(|item| self.expression(item));
                negate(
                    *negated,
                    Expression::In(one(expr)?, list.collect::<Result<_, _>>()?),
                )
            }
            Expr::Like {
                negated,
                any: false,
                expr,
                pattern,
                escape_char,
            } => {
                let escape = escape_char.as_deref().map(escape).transpose()?;
                negate(*negated, Expression::Like(one(expr)?, one(pattern)?, escape))
            }
            Expr::Cast { expr, data_type, .. } => Expression::Cast(one(expr)?, cast(data_type)?),
            Expr::Function(function) => {
                let name = function.name.to_string();
                let scalar =
                    Scalar::named(&name).ok_or_else(|| unsupported(&format!("the function {name}")))?;
                match argument(function)? {
                    FunctionArgExpr::Expr(over) => Expression::Call(scalar, one(over)?),
                    _ => return Err(unsupported("a function over *, other than COUNT")),
                }
            }
            other => return Err(unsupported(&format!("the expression {other}"))),
        })
    }

    fn binary(&self, left: &Expr, op: &BinaryOperator, right: &Expr) -> Result<Expression, SelectFailure> {
        let (left, right) = (
            Box::new(self.expression(left)?),
            Box::new(self.expression(right)?),
        );
        let compare = match op {
            BinaryOperator::And => return Ok(Expression::And(left, right)),
            BinaryOperator::Or => return Ok(Expression::Or(left, right)),
            BinaryOperator::Plus => return Ok(Expression::Calculate(Operation::Add, left, right)),
            BinaryOperator::Minus => return Ok(Expression::Calculate(Operation::Subtract, left, right)),
            BinaryOperator::Multiply => return Ok(Expression::Calculate(Operation::Multiply, left, right)),
            BinaryOperator::Divide => return Ok(Expression::Calculate(Operation::Divide, left, right)),
            BinaryOperator::Modulo => return Ok(Expression::Calculate(Operation::Remainder, left, right)),
            BinaryOperator::Eq => Comparison::Equal,
            BinaryOperator::NotEq => Comparison::NotEqual,
            BinaryOperator::Lt => Comparison::Less,
            BinaryOperator::LtEq => Comparison::LessOrEqual,
            BinaryOperator::Gt => Comparison::Greater,
            BinaryOperator::GtEq => Comparison::GreaterOrEqual,
            other => return Err(unsupported(&format!("the operator {other}"))),
        };
        Ok(Expression::Compare(compare, left, right))
    }
}

fn negate(negated: bool, expression: Expression) -> Expression {
    match negated {
        true => Expression::Not(Box::new(expression)),
        false => expression,
    }
}

fn own_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(name) => Some(name.value.clone()),
        Expr::CompoundIdentifier(names) => names.last().map(|name| name.value.clone()),
        _ => None,
    }
}

fn column(names: &[Ident]) -> Column {
    let part = |name: &Ident| (name.value.clone(), name.quote_style.is_some());
    Column(names.iter().map(part).collect())
}

fn literal(value: &Value) -> Result<serde_json::Value, SelectFailure> {
    match value {
        Value::Number(number, _) => {
            serde_json::from_str(number).map_err(|_| unsupported(&format!("the number {number}")))
        }
        Value::SingleQuotedString(text) => Ok(text.clone().into()),
        Value::Boolean(value) => Ok((*value).into()),
        Value::Null => Ok(serde_json::Value::Null),
        other => Err(unsupported(&format!("the value {other}"))),
    }
}

fn escape(expr: &Expr) -> Result<char, SelectFailure> {
    let refuse = || unsupported("an ESCAPE that is not one character");
    let Expr::Value(value) = expr else {
        return Err(refuse());
    };
    match &value.value {
        Value::SingleQuotedString(text) if text.chars().count() == 1 => {
            text.chars().next().ok_or_else(refuse)
        }
        _ => Err(refuse()),
    }
}

fn cast(data_type: &DataType) -> Result<Cast, SelectFailure> {
    let name = data_type.to_string().to_uppercase();
    match name.split('(').next().unwrap_or_default() {
        "INT" | "INTEGER" | "BIGINT" => Ok(Cast::Integer),
        "FLOAT" | "DOUBLE" | "REAL" | "DECIMAL" | "NUMERIC" => Ok(Cast::Float),
        "STRING" | "VARCHAR" | "CHAR" | "TEXT" => Ok(Cast::Text),
        "BOOL" | "BOOLEAN" => Ok(Cast::Boolean),
        other => Err(unsupported(&format!("the type {other}"))),
    }
}

fn argument(function: &Function) -> Result<&FunctionArgExpr, SelectFailure> {
    let FunctionArguments::List(list) = &function.args else {
        return Err(unsupported("a function without its argument"));
    };
    match list.args.as_slice() {
        [FunctionArg::Unnamed(argument)]
            if list.duplicate_treatment.is_none() && function.over.is_none() && function.filter.is_none() =>
        {
            Ok(argument)
        }
        _ => Err(unsupported(&format!("the function call {function}"))),
    }
}
