//! PEM text, read block by block as Go's `encoding/pem` does.

use x509_parser::pem::Pem;
use zeroize::{Zeroize, Zeroizing};

/// One block.
pub(super) struct Block {
    pub(super) label: String,
    pub(super) der: Zeroizing<Vec<u8>>,
}

/// All blocks that can be read; what stands between them is passed over.
pub(super) fn blocks(text: &[u8]) -> Vec<Block> {
    Pem::iter_from_buffer(text)
        .map_while(Result::ok)
        .map(|pem| Block { label: pem.label, der: Zeroizing::new(pem.contents) })
        .collect()
}

/// The labels, as Go prints a list of them.
pub(super) fn labels(blocks: &[Block]) -> String {
    let labels: Vec<_> = blocks.iter().map(|block| block.label.as_str()).collect();
    format!("[{}]", labels.join(" "))
}

impl Block {
    pub(super) fn is_certificate(&self) -> bool {
        self.label == "CERTIFICATE"
    }

    pub(super) fn is_key(&self) -> bool {
        self.label == "PRIVATE KEY" || self.label.ends_with(" PRIVATE KEY")
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        self.label.zeroize();
    }
}
