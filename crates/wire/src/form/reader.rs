//! A form's fields, and then its file.

use std::fmt;

use bytes::Bytes;
use strongroom_model::failure::{Failure, FailureCode};

use super::multipart::{BOUNDARY_MAX, Event, Malformed, Multipart};
use super::part::{PartHead, parameters_of};

/// Most bytes of a form before its file. AWS allows 20 KB; 8 KiB of user metadata that a policy in base64 repeats, as the
/// others take it, need more.
pub const FORM_BYTES_MAX: u64 = 64 * 1024;

/// Most fields of a form: user metadata of 8 KiB make about a hundred.
const FIELDS_MAX: usize = 200;

/// The field that is the file.
const FILE: &str = "file";

/// A form's fields, which nobody has verified.
#[derive(Default)]
pub struct Form {
    /// Names in lower case, and values; no name is there twice.
    fields: Vec<(String, String)>,
    file: PartHead,
}

/// Reads a form up to its file.
pub struct FormReader {
    multipart: Multipart,
    form: Form,
    /// The value in the making of the last field.
    value: Vec<u8>,
}

/// A form's file, read when its fields have been.
pub struct FormFile(Multipart);

/// What a form has come to.
#[derive(Debug, PartialEq, Eq)]
pub enum FormStep {
    /// More must come.
    NeedsMore,
    /// A piece of the file, never empty.
    Data(Bytes),
    /// The fields, or the file, have ended as they should.
    Finished,
}

impl FormReader {
    /// Begins to read a body of this `Content-Type`.
    ///
    /// # Errors
    /// `NotMultipart`.
    pub(crate) fn new(content_type: &str) -> Result<Self, Failure> {
        let boundary = boundary(content_type).ok_or(FailureCode::NotMultipart)?;
        Ok(Self { multipart: Multipart::new(&boundary), form: Form::default(), value: Vec::new() })
    }

    /// Takes in what has come.
    pub fn feed(&mut self, more: Bytes) {
        self.multipart.feed(more);
    }

    /// Reads on in what has come: more is needed, or the file begins.
    ///
    /// # Errors
    /// `MalformedForm`, `FormTooLong`, `FileMissing`; `InvalidArgument` for a field that is there twice.
    pub fn step(&mut self) -> Result<FormStep, Failure> {
        loop {
            let event = self.multipart.next().map_err(malformed)?;
            if self.multipart.consumed() > FORM_BYTES_MAX {
                return Err(FailureCode::FormTooLong.into());
            }
            match event {
                Event::NeedsMore => return Ok(FormStep::NeedsMore),
                Event::Part(head) if head.name.eq_ignore_ascii_case(FILE) => {
                    self.form.file = head;
                    return Ok(FormStep::Finished);
                }
                Event::Part(head) => self.form.open(&head.name)?,
                Event::Data(piece) => self.value.extend_from_slice(&piece),
                Event::PartEnd => {
                    let value = String::from_utf8(std::mem::take(&mut self.value));
                    self.form.close(value.map_err(|_| malformed(Malformed("a field is not UTF-8")))?);
                }
                Event::End => return Err(no_file()),
            }
        }
    }

    /// The fields, and the file that follows them.
    pub fn finish(self) -> (Form, FormFile) {
        (self.form, FormFile(self.multipart))
    }
}

impl FormFile {
    /// Takes in what has come.
    pub fn feed(&mut self, more: Bytes) {
        self.0.feed(more);
    }

    /// The next piece of the file. What follows the file does not count, as all three services have it.
    ///
    /// # Errors
    /// `MalformedForm`.
    pub fn step(&mut self) -> Result<FormStep, Failure> {
        match self.0.next().map_err(malformed)? {
            Event::NeedsMore => Ok(FormStep::NeedsMore),
            Event::Data(piece) => Ok(FormStep::Data(piece)),
            Event::PartEnd | Event::Part(_) | Event::End => Ok(FormStep::Finished),
        }
    }
}

impl Form {
    /// The value of the field of that name, which is in lower case.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The fields in the order sent, their names in lower case.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// What the file was called, without the folders that some browsers name; empty if it had no name.
    pub(crate) fn file_name(&self) -> &str {
        let path = self.file.file_name.as_deref().unwrap_or_default();
        path.rsplit(['/', '\\']).next().unwrap_or_default()
    }

    /// The type of the file's own part.
    pub(crate) fn file_type(&self) -> Option<&str> {
        self.file.content_type.as_deref()
    }

    fn open(&mut self, name: &str) -> Result<(), Failure> {
        let name = name.to_ascii_lowercase();
        if self.fields.len() == FIELDS_MAX {
            return Err(FailureCode::FormTooLong.into());
        }
        // Which of the two would be held against the policy, and which be obeyed?
        if self.field(&name).is_some() {
            return Err(Failure::new(FailureCode::InvalidArgument)
                .with_message("A field of the form is there twice.")
                .with_detail("ArgumentName", name));
        }
        self.fields.push((name, String::new()));
        Ok(())
    }

    fn close(&mut self, value: String) {
        if let Some((_, last)) = self.fields.last_mut() {
            *last = value;
        }
    }
}

/// Shows names alone: among the values are keys and signatures.
impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.fields.iter().map(|(name, _)| name)).finish()
    }
}

impl fmt::Debug for FormReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FormReader({:?})", self.form)
    }
}

/// The boundary that a `Content-Type` names, if it is that of a form.
fn boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    let parameters = parameters_of(parameters)?;
    let (_, boundary) = parameters.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("boundary"))?;
    let is_form = kind.trim().eq_ignore_ascii_case("multipart/form-data");
    (is_form && (1..=BOUNDARY_MAX).contains(&boundary.len())).then_some(boundary)
}

fn malformed(cause: Malformed) -> Failure {
    Failure::new(FailureCode::MalformedForm).caused_by(cause)
}

fn no_file() -> Failure {
    Failure::new(FailureCode::FileMissing).with_detail("ArgumentName", FILE).with_detail("ArgumentValue", "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader() -> FormReader {
        FormReader::new("multipart/form-data; boundary=\"b 0\"").unwrap()
    }

    fn field(name: &str, value: &str) -> String {
        format!("--b 0\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    }

    fn read(body: &str) -> Result<FormStep, FailureCode> {
        let mut reader = reader();
        reader.feed(Bytes::copy_from_slice(body.as_bytes()));
        reader.step().map_err(|failure| failure.code)
    }

    #[test]
    fn fields_come_first_and_the_file_is_the_rest() {
        let mut reader = reader();
        let file = field("File\"; filename=\"C:\\dir\\f.txt", "data");
        let body = [field("KEY", "k"), field("x-amz-meta-é", "ü"), file, "--b 0--".to_owned()].concat();
        reader.feed(Bytes::from(body));
        assert_eq!(reader.step().unwrap(), FormStep::Finished);
        let (form, mut file) = reader.finish();
        assert_eq!(form.fields().collect::<Vec<_>>(), [("key", "k"), ("x-amz-meta-é", "ü")]);
        assert_eq!((form.field("key"), form.field("file"), form.file_name()), (Some("k"), None, "f.txt"));
        assert_eq!(file.step().unwrap(), FormStep::Data(Bytes::from_static(b"data")));
        assert_eq!(file.step().unwrap(), FormStep::Finished);
    }

    #[test]
    fn what_is_no_form_is_told_so() {
        for text in [
            "text/plain; boundary=a",
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/mixed; boundary=a",
        ] {
            assert_eq!(FormReader::new(text).unwrap_err().code, FailureCode::NotMultipart, "{text}");
        }
        let long = format!("multipart/form-data; boundary={}", "b".repeat(BOUNDARY_MAX + 1));
        assert!(FormReader::new(&long).is_err() && FormReader::new(&long[..long.len() - 1]).is_ok());
    }

    #[test]
    fn forms_have_their_limits() {
        let long = field("a", &"x".repeat(usize::try_from(FORM_BYTES_MAX).unwrap()));
        assert_eq!(read(&long), Err(FailureCode::FormTooLong));
        assert_eq!(read(&long[..long.len() / 2]), Ok(FormStep::NeedsMore));
        let many: String = (0..=FIELDS_MAX).map(|number| field(&number.to_string(), "")).collect();
        assert_eq!(read(&many), Err(FailureCode::FormTooLong));
    }

    #[test]
    fn a_form_that_leaves_a_question_is_refused() {
        assert_eq!(read(&[field("key", "a"), field("Key", "b")].concat()), Err(FailureCode::InvalidArgument));
        assert_eq!(read(&[field("key", "a"), "--b 0--".to_owned()].concat()), Err(FailureCode::FileMissing));
        assert_eq!(read("--b 0\nContent-Disposition"), Err(FailureCode::MalformedForm));
    }

    #[test]
    fn values_are_not_shown() {
        let form = Form { fields: vec![("policy".to_owned(), "secret".to_owned())], file: PartHead::default() };
        assert_eq!(format!("{form:?}"), "[\"policy\"]");
    }
}
