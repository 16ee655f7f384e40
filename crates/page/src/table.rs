//! The numbers of figures, which open beneath them.

use crate::markup::Markup;
use crate::palette::{class, letter_class};
use crate::text::{LONG, name};
use crate::view::Series;

/// A row of a table.
#[derive(Clone, Debug)]
pub(crate) struct Row<'a> {
    pub(crate) head: Head<'a>,
    pub(crate) cells: Vec<String>,
}

/// What a row is of.
#[derive(Clone, Debug)]
pub(crate) enum Head<'a> {
    Series(&'a Series<'a>),
    Text(String),
}

/// A table.
#[derive(Clone, Debug)]
pub(crate) struct Table<'a> {
    /// What it shows.
    pub(crate) title: String,
    /// The policy, if it is of one.
    pub(crate) policy: Option<&'a str>,
    /// What the columns are; the first is of the rows' heads.
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Row<'a>>,
}

/// Tables that open on demand; nothing if none has rows.
pub(crate) fn details(to: &mut Markup, tables: &[Table<'_>]) {
    if tables.iter().all(|table| table.rows.is_empty()) {
        return;
    }
    to.raw("<details><summary>Numbers</summary><div class=\"scroll\" tabindex=\"0\">");
    tables.iter().filter(|table| !table.rows.is_empty()).for_each(|table| write(to, table));
    to.raw("</div></details>\n");
}

fn write(to: &mut Markup, table: &Table<'_>) {
    to.raw("<table class=\"numbers\"><caption>").text(&table.title);
    if let Some(policy) = table.policy {
        to.raw(" <span class=\"soft\">");
        name(to, policy, LONG);
        to.raw("</span>");
    }
    to.raw("</caption><thead><tr>");
    for column in &table.columns {
        to.raw("<th>").text(column).raw("</th>");
    }
    to.raw("</tr></thead><tbody>");
    for row in &table.rows {
        match &row.head {
            Head::Text(text) => {
                to.raw("<tr><th>").text(text);
            }
            Head::Series(series) => {
                // A letter of the font: in hundreds of rows images of symbols would be a tenth of the page.
                let classes = format!("{} {}", class(series.index), letter_class(series.index));
                to.raw("<tr>").open("th", &[("class", &classes)]);
                name(to, series.objective, LONG);
                to.text(series.suffix());
            }
        }
        to.raw("</th>");
        for cell in &row.cells {
            to.raw("<td>").text(cell).raw("</td>");
        }
        to.raw("</tr>");
    }
    to.raw("</tbody></table>");
}
