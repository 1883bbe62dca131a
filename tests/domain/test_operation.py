from clinx.domain.operation import Operation


def test_what_reaches_an_upstream_is_billed():
    assert {operation for operation in Operation if not operation.is_billed} == {
        Operation.LIST_MODELS,
        Operation.SHOW_MODEL,
    }
