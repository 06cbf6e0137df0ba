//! What can be asked of Strongroom and answered: names, operations, outcomes, failures.
