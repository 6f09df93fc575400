//! x
/// x
pub fn render(_: &[super::Diagnosis], _: &crate::remedy::Names) -> String {
    String::new()
}
