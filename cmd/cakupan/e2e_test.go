package main

const e2eVectors = "../../projections/coverage/testdata/vectors"
