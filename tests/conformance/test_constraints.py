"""Each constraint of the model on each member of each request: what breaks it is refused, with the member's name; what
only just does not is taken. The requests name a studio that is not there, so that nothing comes of those that are
taken."""

import copy
import unittest

import calling
import constraints
import inputs
import model
import stages

TOKENS = [(length, 1 <= length <= 64) for length in (0, 1, 64, 65)]


class Constraints(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = stages.steady().client

    def test_each_member_of_each_body(self):
        tried = 0
        for operation in map(model.operation, model.OPERATIONS):
            request = inputs.complete(operation)
            body = _body(operation, request)
            for case in constraints.of_body(operation.input_shape, body) if body else []:
                changed = copy.deepcopy(body)
                case.put(changed)
                if case.value is not None:
                    # The cases are made from the model, and so is what judges answers: they have to agree.
                    mistakes = model.mistakes(
                        operation.input_shape, {**_outside_of_body(operation, request), **changed}
                    )
                    self.assertEqual(not mistakes, case.allowed, f"{operation.name}: {case}: {mistakes}")
                self.check(operation, request, case, lambda draft, body=changed: setattr(draft, "body", body))
                tried += 1
        self.assertGreater(tried, 700)

    def test_each_parameter_of_each_query(self):
        for operation in map(model.operation, model.OPERATIONS):
            request = inputs.complete(operation)
            unknown = constraints.Case(("colour",), "a parameter that is not in the model", "red", False, "colour")
            cases = [("colour", unknown)]
            for name, shape in operation.input_shape.members.items():
                if _location(operation, name) == "querystring" and name != "nextToken":
                    cases += [(name, case) for case in constraints.of_query(shape, name)]
            for name, case in cases:
                self.check(
                    operation, request, case, lambda draft, name=name, case=case: _put_in_query(draft, name, case.value)
                )

    def test_required_parameters_of_queries_are_not_left_out(self):
        for operation in map(model.operation, model.OPERATIONS):
            for name in operation.input_shape.required_members:
                if _location(operation, name) == "querystring":
                    absent = constraints.Case((name,), "absent", constraints.ABSENT, False, name)
                    self.check(operation, inputs.complete(operation), absent, lambda draft: draft.query.clear())

    def test_client_tokens_have_1_to_64_characters(self):
        with_token = [name for name in model.OPERATIONS if "clientToken" in model.operation(name).input_shape.members]
        self.assertEqual(len(with_token), 13)
        for operation in map(model.operation, with_token):
            for length, allowed in TOKENS:
                text = "t" * length
                case = constraints.Case(("clientToken",), f"{length} characters", text, allowed, "clientToken")
                self.check(
                    operation,
                    inputs.complete(operation),
                    case,
                    lambda draft, text=text: draft.headers.update({"X-Amz-Client-Token": text}),
                )

    def test_a_body_is_one_object(self):
        for operation in map(model.operation, model.OPERATIONS):
            request = inputs.complete(operation)
            if _body(operation, request):
                for text in ("[]", "1", '"text"', "{", "{}{}", "null"):
                    case = constraints.Case((), text, text, False, "body")
                    self.check(operation, request, case, lambda draft, text=text: setattr(draft, "text", text))

    def check(self, operation, request, case, change):
        """Sends a request with a change, and holds the answer to what the model says of it."""
        with self.subTest(operation=operation.name, place=case.place, what=case.what):
            with calling.redrafted(self.client, change):
                error = calling.refusal(self.client, operation.name, **request)
            told = f"{calling.code(error)}: {error.response['Error']['Message']}"
            if case.allowed:
                self.assertEqual(calling.code(error), "ResourceNotFoundException", told)
            else:
                self.assertEqual(calling.code(error), "ValidationException", told)
                self.assertEqual(calling.context(error, "parameter"), case.place, told)


def _body(operation, request):
    return {name: value for name, value in request.items() if not _location(operation, name)}


def _outside_of_body(operation, request):
    return {name: value for name, value in request.items() if _location(operation, name)}


def _location(operation, name):
    return operation.input_shape.members[name].serialization.get("location")


def _put_in_query(draft, name, value):
    draft.query = [pair for pair in draft.query if pair[0] != name]
    values = value if isinstance(value, list) else [value]
    draft.query += [(name, str(value)) for value in values]
