"""Train a classifier of handwritten digits; the same script runs by itself, and as a submitted run."""

from __future__ import annotations

import argparse

import numpy as np
from data import load
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix

from modelyard import Run

ESTIMATORS = {
    "logistic": lambda: LogisticRegression(C=0.5, max_iter=2000),
    "forest": lambda: RandomForestClassifier(n_estimators=100, random_state=0),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--estimator", choices=sorted(ESTIMATORS), default="logistic")
    parser.add_argument("--mnist", metavar="FOLDER", help="use MNIST from this folder")
    options = parser.parse_args()

    run = Run.get_context()
    digits = load(options.mnist)
    print(f"{len(digits.train)} images to learn from, {len(digits.test)} to test on")
    run.log_parameters({"estimator": options.estimator, "data": "mnist" if options.mnist else "digits"})

    estimator = ESTIMATORS[options.estimator]().fit(digits.train, digits.train_labels)
    predicted = estimator.predict(digits.test)
    accuracy = float(np.mean(predicted == digits.test_labels))
    print(f"{options.estimator}: accuracy {accuracy:.4f}")
    run.log("accuracy", accuracy)
    matrix = confusion_matrix(digits.test_labels, predicted).tolist()
    run.log_confusion_matrix("confusion", {"class_labels": [str(d) for d in range(10)], "matrix": matrix})
    run.save_model(estimator, sample=digits.train[:20])


if __name__ == "__main__":
    main()
