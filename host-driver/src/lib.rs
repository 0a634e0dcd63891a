//! User-level driver.
