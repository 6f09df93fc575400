//! One test for each rule of Gloo's and Envoy's on Secrets.
