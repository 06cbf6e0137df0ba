//! Limits on the length of files and functions.

use std::cell::RefCell;

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::{Source, report, sources};

/// Production lines of a file: more than a reader holds in mind. Tables of rows are counted too.
const FILE_LINES_MAX: usize = 500;

/// Lines of a function, signature and braces included: one screen.
const FUNCTION_LINES_MAX: usize = 70;

#[test]
fn files_are_short() {
    let count = |source: &Source| source.production().lines().count();
    let long =
        |source: &Source| (count(source) > FILE_LINES_MAX).then(|| format!("{} has {}", source.path, count(source)));
    let breaches: Vec<String> = sources().iter().filter(|source| source.is_production()).filter_map(long).collect();
    report("a file has at most 500 production lines", &breaches);
}

#[test]
fn functions_are_short() {
    let breaches: Vec<String> = sources().iter().flat_map(long_functions).collect();
    report("a function has at most 70 lines", &breaches);
}

fn long_functions(source: &Source) -> Vec<String> {
    let file = syn::parse_file(&source.text).unwrap_or_else(|error| panic!("{} does not parse: {error}", source.path));
    let visitor = Functions { path: &source.path, long: RefCell::default() };
    let mut walker = visitor;
    walker.visit_file(&file);
    walker.long.into_inner()
}

struct Functions<'a> {
    path: &'a str,
    long: RefCell<Vec<String>>,
}

impl Functions<'_> {
    fn measure(&self, name: &syn::Ident, start: Span, end: Span) {
        let lines = end.end().line - start.start().line + 1;
        if lines > FUNCTION_LINES_MAX {
            self.long.borrow_mut().push(format!("{}: {name} has {lines}", self.path));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.measure(&function.sig.ident, function.sig.span(), function.block.span());
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.measure(&function.sig.ident, function.sig.span(), function.block.span());
        visit::visit_impl_item_fn(self, function);
    }
}
