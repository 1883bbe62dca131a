from clinx.domain.operation import Operation


def test_everything_is_billed_but_questions_about_models_prompts_and_kept_answers():
    assert {operation for operation in Operation if not operation.is_billed} == {
        Operation.COUNT_TOKENS,
        Operation.LIST_MODELS,
        Operation.SHOW_MODEL,
        Operation.STORED,
    }
