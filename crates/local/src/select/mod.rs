//! Selections from objects of CSV and JSON: read, filtered and written as events, in one pass.

mod expression;
mod records;
mod sql;
mod write;

use std::cell::Cell;
use std::cmp::Ordering;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

use bytes::{Bytes, BytesMut};
use cos_transport::wire::select::{
    CompressionType, RequestProgress, SelectEvent, SelectFailure, SelectProgress, SelectRequest,
};
use serde_json::Value;

pub(crate) use sql::Selection;

use expression::{Aggregate, Expression, Operation, calculate, compare, float, number};
use records::{Records, Row};
use sql::Items;
use write::RowWriter;

/// Result bytes that are sent at once.
const BATCH: usize = 64 * 1024;
/// After how many bytes of the object progress is told again.
const PROGRESS_STEP: u64 = 4 * 1024 * 1024;

/// Why a selection ends before its end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Nobody reads the answer any more.
    Gone,
    Failed(SelectFailure),
}

impl From<SelectFailure> for Stop {
    fn from(failure: SelectFailure) -> Self {
        Stop::Failed(failure)
    }
}

/// Selects from an object. Events but the end are given as they come; `give` tells when nobody reads them.
pub(crate) fn run(
    request: &SelectRequest,
    selection: &Selection,
    object: impl Read,
    give: impl FnMut(SelectEvent) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let scanned = Counted::default();
    let processed = Counted::default();
    let object = scanned.count(object);
    let content: Box<dyn Read + '_> = match request.compression {
        CompressionType::None => Box::new(object),
        CompressionType::Gzip => Box::new(flate2::read::MultiGzDecoder::new(object)),
        CompressionType::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(object)),
    };
    let content = BufReader::with_capacity(BATCH, processed.count(content));
    let mut output = Output {
        give,
        batch: BytesMut::new(),
        returned: 0,
        told: 0,
        progress: request.progress,
        scanned,
        processed,
    };
    let mut records = Records::of(request, &selection.path, content)?;
    let writer = RowWriter::of(&request.output);
    match &selection.items {
        Items::Totals(totals) => {
            let mut states: Vec<Total> = totals.iter().map(|_| Total::default()).collect();
            while let Some(row) = records.next()? {
                if matches(selection, &row)? {
                    for (state, (_, function, over)) in states.iter_mut().zip(totals) {
                        state.add(*function, over.as_ref(), &row)?;
                    }
                }
                output.tell()?;
            }
            if selection.limit != Some(0) {
                let totals = totals.iter().zip(&states);
                let values: Vec<_> = totals
                    .map(|((name, function, _), state)| (name.as_str(), state.value(*function)))
                    .collect();
                output.put(|batch| {
                    writer.write(&values, batch);
                    Ok(())
                })?;
            }
        }
        items => {
            let mut left = selection.limit.unwrap_or(u64::MAX);
            while left > 0
                && let Some(row) = records.next()?
            {
                if matches(selection, &row)? {
                    left -= 1;
                    output.put(|batch| {
                        writer.write(&columns(items, &row)?, batch);
                        Ok(())
                    })?;
                }
                output.tell()?;
            }
        }
    }
    output.finish()
}

fn matches(selection: &Selection, row: &Row) -> Result<bool, SelectFailure> {
    match &selection.filter {
        None => Ok(true),
        Some(filter) => Ok(filter.holds(row)? == Some(true)),
    }
}

fn columns<'r>(items: &'r Items, row: &'r Row) -> Result<Vec<(&'r str, Value)>, SelectFailure> {
    match items {
        Items::Each(each) => {
            let value =
                |(name, expression): &'r (String, Expression)| Ok((name.as_str(), expression.value(row)?));
            each.iter().map(value).collect()
        }
        Items::All | Items::Totals(_) => Ok(row.all()),
    }
}

/// What a function of all records has seen.
#[derive(Debug, Default)]
struct Total {
    count: u64,
    value: Value,
}

impl Total {
    fn add(
        &mut self,
        function: Aggregate,
        over: Option<&Expression>,
        row: &Row,
    ) -> Result<(), SelectFailure> {
        let value = match over {
            Some(over) => over.value(row)?,
            None => Value::Bool(true),
        };
        if value.is_null() {
            return Ok(());
        }
        self.count += 1;
        let is_first = self.value.is_null();
        self.value = match function {
            Aggregate::Count => return Ok(()),
            Aggregate::Sum | Aggregate::Avg if is_first => calculate(Operation::Add, &0.into(), &value)?,
            Aggregate::Sum | Aggregate::Avg => calculate(Operation::Add, &self.value, &value)?,
            Aggregate::Min if is_first || order(&value, &self.value).is_some_and(Ordering::is_lt) => value,
            Aggregate::Max if is_first || order(&value, &self.value).is_some_and(Ordering::is_gt) => value,
            Aggregate::Min | Aggregate::Max => return Ok(()),
        };
        Ok(())
    }

    fn value(&self, function: Aggregate) -> Value {
        match function {
            Aggregate::Count => self.count.into(),
            Aggregate::Avg if self.count > 0 => {
                let sum = float(&self.value).unwrap_or_default();
                #[allow(clippy::cast_precision_loss, reason = "an average is not exact")]
                let count = self.count as f64;
                number(sum / count)
            }
            _ => self.value.clone(),
        }
    }
}

/// Least and most are those of numbers where texts read as numbers.
fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (float(left), float(right)) {
        (Some(left), Some(right)) => left.partial_cmp(&right),
        _ => compare(left, right),
    }
}

/// Counts bytes on their way.
#[derive(Clone, Debug, Default)]
struct Counted(Rc<Cell<u64>>);

struct Counting<R> {
    inner: R,
    count: Counted,
}

impl Counted {
    fn count<R: Read>(&self, inner: R) -> Counting<R> {
        let count = self.clone();
        Counting { inner, count }
    }

    fn get(&self) -> u64 {
        self.0.get()
    }
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.0.set(self.count.0.get() + read as u64);
        Ok(read)
    }
}

/// Gathers the result and tells how far it is.
struct Output<G> {
    give: G,
    batch: BytesMut,
    returned: u64,
    /// Bytes processed when progress was told last.
    told: u64,
    progress: RequestProgress,
    scanned: Counted,
    processed: Counted,
}

impl<G: FnMut(SelectEvent) -> Result<(), Stop>> Output<G> {
    fn put(&mut self, write: impl FnOnce(&mut BytesMut) -> Result<(), SelectFailure>) -> Result<(), Stop> {
        write(&mut self.batch)?;
        match self.batch.len() >= BATCH {
            true => self.flush(),
            false => Ok(()),
        }
    }

    fn flush(&mut self) -> Result<(), Stop> {
        let batch: Bytes = self.batch.split().freeze();
        self.returned += batch.len() as u64;
        match batch.is_empty() {
            true => Ok(()),
            false => (self.give)(SelectEvent::Records(batch)),
        }
    }

    /// Tells progress from time to time, which also shows whether anybody is there.
    fn tell(&mut self) -> Result<(), Stop> {
        if self.processed.get() - self.told < PROGRESS_STEP {
            return Ok(());
        }
        self.told = self.processed.get();
        self.flush()?;
        let event = match self.progress {
            RequestProgress::Enabled => SelectEvent::Progress(self.so_far()),
            RequestProgress::Disabled => SelectEvent::Continuation,
        };
        (self.give)(event)
    }

    fn finish(mut self) -> Result<(), Stop> {
        self.flush()?;
        let so_far = self.so_far();
        if self.progress == RequestProgress::Enabled {
            (self.give)(SelectEvent::Progress(so_far))?;
        }
        (self.give)(SelectEvent::Stats(so_far))?;
        (self.give)(SelectEvent::End)
    }

    fn so_far(&self) -> SelectProgress {
        SelectProgress {
            bytes_scanned: self.scanned.get(),
            bytes_processed: self.processed.get(),
            bytes_returned: self.returned,
        }
    }
}
