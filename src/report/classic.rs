//! x
/// x
pub fn render(_: &super::Diagnosis) -> String {
    String::new()
}
