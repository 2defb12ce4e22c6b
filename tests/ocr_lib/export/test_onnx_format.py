"""The ONNX file is open in batch and width."""

import onnx

from ocr_lib.inference.bundle import Bundle


def test_onnx_is_open_in_batch_and_width_and_carries_the_characters(bundle: Bundle) -> None:
    model = onnx.load(bundle.root / "model.onnx")
    shapes = [
        [d.dim_param or d.dim_value for d in tensor.type.tensor_type.shape.dim]
        for tensor in (*model.graph.input, *model.graph.output)
    ]
    assert shapes == [["batch", 1, 32, "width"], ["batch", "steps", bundle.dictionary.num_classes]]
    assert [model.graph.input[0].name, model.graph.output[0].name] == ["x", "probs"]
    properties = {entry.key: entry.value for entry in model.metadata_props}
    assert tuple(properties["character"].split("\n")) == bundle.dictionary.characters
