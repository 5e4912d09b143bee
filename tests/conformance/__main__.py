"""Drives the sandbox with a client of the service that nobody here wrote, and holds every answer to the service's own
model.

    LIGHTSOUT=target/debug/lightsout python tests/conformance

What the tests exercised is judged last, so all of them have to run."""

import sys
import unittest

import stages
import test_constraints
import test_errors
import test_launch_profiles
import test_pages
import test_repetitions
import test_sessions
import test_signatures
import test_studios
import test_whole_model

TESTS = [
    test_studios,
    test_launch_profiles,
    test_sessions,
    test_pages,
    test_constraints,
    test_errors,
    test_repetitions,
    test_signatures,
    test_whole_model,
]


def main():
    loader = unittest.defaultTestLoader
    suite = unittest.TestSuite(loader.loadTestsFromModule(module) for module in TESTS)
    try:
        result = unittest.TextTestRunner(verbosity=1).run(suite)
    finally:
        stages.close()
    sys.exit(not result.wasSuccessful())


main()
