//! The calls of OpenSSL that the crate `openssl` does not wrap.
#![expect(unsafe_code, reason = "calls into OpenSSL")]

use std::ffi::{CStr, c_char, c_int, c_void};

use foreign_types_shared::ForeignTypeRef;
use openssl::ex_data::Index;
use openssl::ssl::{Ssl, SslContextBuilder, SslContextRef, SslRef};

#[repr(C)]
struct StackOfCiphers {
    _opaque: [u8; 0],
}

unsafe extern "C" {
    fn SSL_CTX_set_cert_cb(
        context: *mut openssl_sys::SSL_CTX,
        callback: unsafe extern "C" fn(*mut openssl_sys::SSL, *mut c_void) -> c_int,
        argument: *mut c_void,
    );
    fn SSL_CTX_get_ciphers(context: *const openssl_sys::SSL_CTX) -> *const StackOfCiphers;
    fn OPENSSL_sk_num(stack: *const StackOfCiphers) -> c_int;
    fn OPENSSL_sk_value(stack: *const StackOfCiphers, index: c_int) -> *const c_void;
    fn SSL_CIPHER_get_name(cipher: *const c_void) -> *const c_char;
}

/// Where a connection notes that its server asked for a client certificate.
pub(super) type Asked = Index<Ssl, bool>;

/// Makes clients of this context note in `asked` that their server wants a certificate.
pub(super) fn note_certificate_requests(context: &mut SslContextBuilder, asked: &'static Asked) {
    let argument: *const Asked = asked;
    // SAFETY: the context is alive, and the argument points to a static.
    unsafe { SSL_CTX_set_cert_cb(context.as_ptr(), note, argument.cast_mut().cast()) }
}

/// Names the algorithms that a client may sign with, where they are others than it offers to
/// verify (`SSL_CTX_set1_client_sigalgs_list`, a macro). Returns whether OpenSSL knows them all.
pub(super) fn set_client_signature_algorithms(
    context: &mut SslContextBuilder,
    names: &CStr,
) -> bool {
    const SSL_CTRL_SET_CLIENT_SIGALGS_LIST: c_int = 102;
    // SAFETY: the context is alive; OpenSSL reads the text, which ends in a zero, and keeps what
    // it makes of it.
    let done = unsafe {
        openssl_sys::SSL_CTX_ctrl(
            context.as_ptr(),
            SSL_CTRL_SET_CLIENT_SIGALGS_LIST,
            0,
            names.as_ptr().cast_mut().cast(),
        )
    };
    done == 1
}

/// OpenSSL calls this on a client when a CertificateRequest has arrived; 1 lets it go on.
unsafe extern "C" fn note(ssl: *mut openssl_sys::SSL, argument: *mut c_void) -> c_int {
    // SAFETY: OpenSSL passes the connection that it works on, and the argument that was given
    // to it, a pointer to a static index.
    let (ssl, asked) = unsafe { (SslRef::from_ptr_mut(ssl), &*argument.cast::<Asked>()) };
    ssl.set_ex_data(*asked, true);
    1
}

/// The names of the suites that a context can use, in OpenSSL's order.
pub(super) fn cipher_names(context: &SslContextRef) -> Vec<String> {
    // SAFETY: the context is alive while the stack, which belongs to it, is read; indices stay
    // below the stack's length, and names are static strings.
    unsafe {
        let stack = SSL_CTX_get_ciphers(context.as_ptr());
        (0..OPENSSL_sk_num(stack).max(0))
            .map(|index| SSL_CIPHER_get_name(OPENSSL_sk_value(stack, index)))
            .map(|name| CStr::from_ptr(name).to_string_lossy().into_owned())
            .collect()
    }
}
