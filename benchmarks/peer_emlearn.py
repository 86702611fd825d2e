"""emlearn: trees inline with hard and with soft votes, float nets, Bayes, neighbours."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from program import Program, Variant, Variants, as_type

PACKAGE = "emlearn"

_TREES = ("DecisionTreeClassifier", "RandomForestClassifier", "ExtraTreesClassifier")


def variants(estimator: Any, X: Any) -> Variants:
    """What emlearn can write for the estimator; ImportError if it is not installed."""
    kind = type(estimator).__name__
    with np.errstate():  # importing emlearn changes numpy's error state
        import emlearn
    folder = Path(emlearn.__file__).parent

    def program(text: str, call: str, c_type: str, dtype: str) -> Program:
        entry = f"\nint32_t peer_predict(const {c_type} *features)\n{{\n    {call}\n}}\n"
        origin = f"{PACKAGE} {version(PACKAGE)}"
        return Program({"main.c": text + entry}, as_type(dtype), origin, (folder,))

    n = X.shape[1]
    if kind in _TREES:

        def trees(leaf_bits: int) -> Program:
            model = emlearn.convert(estimator, method="inline", dtype="int16_t", leaf_bits=leaf_bits)
            text = model.save(name="model", include_proba=False)
            return program(text, f"return model_predict(features, {n});", "int16_t", "int16")

        yield Variant("emlearn inline, hard votes", lambda: trees(0))
        yield Variant("emlearn inline, soft votes", lambda: trees(8))
    elif kind == "MLPClassifier":

        def net() -> Program:
            # 'loadable': the inline form of nets can't be written, its generator fails.
            activations = [estimator.activation] * (len(estimator.coefs_) - 1) + [estimator.out_activation_]
            text = emlearn.net.c_generate_net_loadable(
                activations, estimator.coefs_, estimator.intercepts_, "model"
            )
            return program(text, f"return model_predict(features, {n});", "float", "float32")

        yield Variant("emlearn net, float", net)
    elif kind == "GaussianNB":

        def bayes() -> Program:
            std = np.sqrt(estimator.var_)
            summaries = np.stack([estimator.theta_, std, np.log2(std)], axis=2)
            text = emlearn.bayes.generate_c(summaries, "model")
            return program(text, f"return model_predict(features, {n});", "float", "float32")

        yield Variant("emlearn Bayes", bayes)
    elif kind == "KNeighborsClassifier":

        def neighbors() -> Program:
            from emlearn.neighbors import c_generate_neighbors

            data = estimator._fit_X.astype(np.int16)
            text = c_generate_neighbors(data, estimator._y, estimator.n_neighbors, "model")
            text += f"\nstatic EmlNeighborsDistanceItem distances[{len(data)}];\n"
            call = (
                "int16_t winner = -1; "
                f"eml_neighbors_predict(&model, features, {n}, distances, {len(data)}, &winner); "
                "return winner;"
            )
            return program(text, call, "int16_t", "int16")

        yield Variant("emlearn neighbours", neighbors)
