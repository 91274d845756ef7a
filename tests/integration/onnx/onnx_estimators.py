"""Estimators and pipelines that are hard to convert, each with rows to train on and rows to ask."""

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn import datasets
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, WhiteKernel
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    BayesianRidge,
    ElasticNet,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)
from sklearn.svm import SVC, SVR, LinearSVC, NuSVC, OneClassSVM
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from xgboost import XGBClassifier, XGBRegressor

WORDS = [
    *("free", "win", "money", "offer", "click", "now", "meeting", "report", "team", "lunch", "project", "hello"),
    *("naïve", "café", "the", "and", "to", "of"),
]


def iris():
    return datasets.load_iris(return_X_y=True)


def iris_named():
    rows, y = iris()
    return rows, np.array(["setosa", "versicolor", "virginica"])[y]


def cancer():
    return datasets.load_breast_cancer(return_X_y=True)


def cancer_bool():
    rows, y = cancer()
    return rows, y.astype(bool)


def diabetes():
    return datasets.load_diabetes(return_X_y=True)


def digits():
    rows, y = datasets.load_digits(return_X_y=True)
    return rows[:600], y[:600]


def wine():
    return datasets.load_wine(return_X_y=True)


def stamped():
    """Rows with times in seconds: small differences on a large offset."""
    random = np.random.default_rng(3)
    seconds = 1.7e9 + random.uniform(0, 86400, 300)
    amount = random.lognormal(3, 1, 300)
    return np.column_stack([seconds, amount]), (np.sin(seconds / 5000) + np.log(amount) > 3).astype(int)


def stamped_amount():
    rows, y = stamped()
    return rows, rows[:, 1] * 0.3 + y + (rows[:, 0] - 1.7e9) / 1e4


def big_integers():
    """Account numbers beyond what float32 can count."""
    random = np.random.default_rng(4)
    rows = np.column_stack([random.integers(2**24, 2**31, 300), random.integers(0, 50, 300)])
    return rows, ((rows[:, 0] % 2 == 0) ^ (rows[:, 1] > 20)).astype(int)


def two_targets():
    rows, y = diabetes()
    return rows, np.column_stack([y, y**2 / 100])


def counts():
    random = np.random.default_rng(5)
    y = random.integers(0, 3, 300)
    return random.poisson(np.eye(3)[y] @ random.uniform(0, 4, (3, 12))), y


def texts():
    random = np.random.default_rng(6)
    y = random.integers(0, 2, 240)
    rows = [" ".join(random.choice(WORDS[:12] if k else WORDS[6:], 8)) + ("!" if k else ".") for k in y]
    return rows, np.where(y, "spam", "ham")


def passengers():
    """A frame with numbers, categories, texts and missing values."""
    random = np.random.default_rng(8)
    n = 300
    frame = pd.DataFrame(
        {
            "age": np.where(random.random(n) < 0.15, np.nan, random.uniform(1, 80, n).round(1)),
            "fare": random.lognormal(3, 1, n),
            "siblings": random.integers(0, 5, n),
            "sex": random.choice(["male", "female"], n),
            "port": pd.Series(random.choice(["S", "C", "Q", "Ö"], n)).where(random.random(n) > 0.1, None),
            "adult": random.random(n) > 0.3,
        }
    )
    return frame, ((frame.sex == "female") | (frame.fare > 40)).astype(int).to_numpy()


def passengers_whole():
    frame, y = passengers()
    return frame.dropna().reset_index(drop=True), y[frame.notna().all(axis=1).to_numpy()]


def passengers_fare():
    frame, y = passengers()
    return frame.drop(columns="fare"), frame.fare.to_numpy() + 10 * y


def one_class_only():
    rows, _ = iris()
    return rows, np.zeros(len(rows), dtype=int)


def gappy():
    rows, y = wine()
    rows = rows.copy()
    rows[np.random.default_rng(9).random(rows.shape) < 0.1] = np.nan
    return rows, y


def _mixed(numbers, categories):
    return ColumnTransformer(
        [("numbers", numbers, ["age", "fare", "siblings"]), ("categories", categories, ["sex", "port"])]
    )


def _prepared():
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    categories = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    return _mixed(numbers, categories)


def _logistic():
    return LogisticRegression(max_iter=2000)


def _forest(**settings):
    return RandomForestClassifier(30, random_state=0, **settings)


_UNKNOWN = {"handle_unknown": "use_encoded_value", "unknown_value": -1}
ESTIMATORS = {
    "logistic": (iris, lambda: LogisticRegression(max_iter=1000)),
    "logistic, texts as labels": (iris_named, lambda: make_pipeline(StandardScaler(), _logistic())),
    "logistic, times": (stamped, lambda: make_pipeline(StandardScaler(), _logistic())),
    "logistic, true or false": (cancer_bool, lambda: make_pipeline(RobustScaler(), _logistic())),
    "linear": (diabetes, LinearRegression),
    "ridge, times": (stamped_amount, lambda: make_pipeline(MinMaxScaler(), Ridge())),
    "elastic net on polynomials": (
        diabetes,
        lambda: make_pipeline(PolynomialFeatures(3), StandardScaler(), ElasticNet(max_iter=50_000, alpha=2.0)),
    ),
    "bayesian ridge": (stamped_amount, BayesianRidge),
    "poisson": (diabetes, lambda: PoissonRegressor(max_iter=1000)),
    "partial least squares": (two_targets, lambda: PLSRegression(3)),
    "ridge classifier": (wine, lambda: make_pipeline(StandardScaler(), RidgeClassifier())),
    "stochastic gradient": (
        wine,
        lambda: make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss", random_state=0)),
    ),
    "linear discriminant": (wine, LinearDiscriminantAnalysis),
    "quadratic discriminant": (iris, QuadraticDiscriminantAnalysis),
    "tree": (cancer, lambda: DecisionTreeClassifier(random_state=0)),
    "tree, integers": (big_integers, lambda: DecisionTreeClassifier(random_state=0)),
    "tree, two targets": (two_targets, lambda: DecisionTreeRegressor(max_depth=6, random_state=0)),
    "forest": (digits, _forest),
    "forest, texts as labels": (iris_named, _forest),
    "forest, one class": (one_class_only, _forest),
    "forest, missing": (gappy, _forest),
    "forest, scaled times": (stamped, lambda: make_pipeline(StandardScaler(), _forest())),
    "forest regressor": (diabetes, lambda: RandomForestRegressor(20, random_state=0)),
    "extra trees": (wine, lambda: ExtraTreesClassifier(30, random_state=0)),
    "extra trees regressor": (two_targets, lambda: ExtraTreesRegressor(10, random_state=0)),
    "boosting": (iris, lambda: GradientBoostingClassifier(n_estimators=20, random_state=0)),
    "boosting, two classes": (stamped, lambda: GradientBoostingClassifier(n_estimators=30, random_state=0)),
    "boosting regressor, scaled": (
        stamped_amount,
        lambda: make_pipeline(StandardScaler(), GradientBoostingRegressor(n_estimators=30, random_state=0)),
    ),
    "histograms": (cancer, lambda: HistGradientBoostingClassifier(max_iter=20, random_state=0)),
    "histograms, times": (stamped, lambda: HistGradientBoostingClassifier(max_iter=20, random_state=0)),
    "histograms, missing": (gappy, lambda: HistGradientBoostingClassifier(max_iter=15, random_state=0)),
    "histogram regressor": (stamped_amount, lambda: HistGradientBoostingRegressor(max_iter=20, random_state=0)),
    "adaboost": (wine, lambda: AdaBoostClassifier(n_estimators=20, random_state=0)),
    "adaboost regressor": (diabetes, lambda: AdaBoostRegressor(n_estimators=10, random_state=0)),
    "bagging": (wine, lambda: BaggingClassifier(_logistic(), 5, max_features=0.7, random_state=0)),
    "bagging regressor": (diabetes, lambda: BaggingRegressor(n_estimators=10, random_state=0)),
    "isolation forest": (cancer, lambda: IsolationForest(n_estimators=20, random_state=0)),
    "lightgbm": (wine, lambda: LGBMClassifier(n_estimators=20, verbose=-1, n_jobs=1)),
    "lightgbm, times": (stamped, lambda: LGBMClassifier(n_estimators=20, verbose=-1, n_jobs=1)),
    "lightgbm regressor": (stamped_amount, lambda: LGBMRegressor(n_estimators=20, verbose=-1, n_jobs=1)),
    "xgboost": (gappy, lambda: XGBClassifier(n_estimators=20, n_jobs=1)),
    "xgboost, two classes": (stamped, lambda: XGBClassifier(n_estimators=20, n_jobs=1)),
    "xgboost regressor": (stamped_amount, lambda: XGBRegressor(n_estimators=20, n_jobs=1)),
    "neighbours": (iris, KNeighborsClassifier),
    "neighbours, times": (
        stamped,
        lambda: make_pipeline(StandardScaler(), KNeighborsClassifier(7, weights="distance")),
    ),
    "neighbours regressor": (diabetes, KNeighborsRegressor),
    "neighbours, raw times": (stamped, KNeighborsClassifier),
    "gaussian bayes": (wine, GaussianNB),
    "gaussian bayes, times": (stamped, GaussianNB),
    "multinomial bayes": (counts, MultinomialNB),
    "complement bayes": (counts, ComplementNB),
    "bernoulli bayes": (counts, BernoulliNB),
    "support vectors": (iris, lambda: make_pipeline(StandardScaler(), SVC())),
    "support vectors, two classes": (stamped, lambda: make_pipeline(StandardScaler(), SVC(kernel="poly"))),
    "nu support vectors": (iris, lambda: NuSVC(nu=0.2, decision_function_shape="ovo")),
    "linear support vectors": (iris, lambda: make_pipeline(StandardScaler(), LinearSVC())),
    "support vector regressor": (diabetes, lambda: SVR(C=100)),
    "one class of support vectors": (iris, lambda: OneClassSVM(nu=0.1)),
    "gaussian process": (
        diabetes,
        lambda: GaussianProcessRegressor(
            ConstantKernel(2.0) * RBF(0.2) + WhiteKernel(0.5), optimizer=None, normalize_y=True
        ),
    ),
    "gaussian process, matern": (iris, lambda: GaussianProcessRegressor(Matern(nu=1.5), alpha=0.1, optimizer=None)),
    "network": (digits, lambda: make_pipeline(MinMaxScaler(), MLPClassifier((32,), max_iter=800, random_state=0))),
    "network regressor": (
        diabetes,
        lambda: make_pipeline(
            StandardScaler(),
            MLPRegressor(hidden_layer_sizes=(16, 8), activation="tanh", solver="lbfgs", max_iter=3000, random_state=0),
        ),
    ),
    "clusters": (wine, lambda: make_pipeline(StandardScaler(), KMeans(4, n_init=2, random_state=0))),
    "mixture": (iris, lambda: GaussianMixture(3, random_state=0)),
    "principal components": (digits, lambda: make_pipeline(StandardScaler(), PCA(8, whiten=True, random_state=0))),
    "components, then neighbours": (digits, lambda: make_pipeline(PCA(10, random_state=0), KNeighborsClassifier(3))),
    "power, then logistic": (wine, lambda: make_pipeline(PowerTransformer(), _logistic())),
    "bins, then logistic": (
        wine,
        lambda: make_pipeline(KBinsDiscretizer(5, quantile_method="averaged_inverted_cdf"), _logistic()),
    ),
    "union of selections": (
        wine,
        lambda: make_pipeline(FeatureUnion([("best", SelectKBest(k=3)), ("pca", PCA(2))]), _forest()),
    ),
    "logarithms": (
        cancer,
        lambda: make_pipeline(FunctionTransformer(np.log1p), Normalizer(), StandardScaler(), _logistic()),
    ),
    "vote": (
        wine,
        lambda: VotingClassifier(
            [("l", make_pipeline(StandardScaler(), _logistic())), ("f", _forest())], voting="soft"
        ),
    ),
    "hard vote": (
        iris,
        lambda: VotingClassifier([("l", _logistic()), ("f", _forest()), ("n", GaussianNB())]),
    ),
    "vote of regressors": (
        diabetes,
        lambda: VotingRegressor([("l", Ridge()), ("t", RandomForestRegressor(5, random_state=0))]),
    ),
    "stack": (
        wine,
        lambda: StackingClassifier(
            [("f", _forest()), ("s", make_pipeline(StandardScaler(), LinearSVC()))], _logistic(), cv=3
        ),
    ),
    "stack of regressors": (
        diabetes,
        lambda: StackingRegressor(
            [("r", Ridge()), ("t", DecisionTreeRegressor(max_depth=4))], LinearRegression(), cv=3
        ),
    ),
    "calibrated": (wine, lambda: CalibratedClassifierCV(GaussianNB(), cv=3, method="sigmoid")),
    "calibrated by steps": (cancer, lambda: CalibratedClassifierCV(_forest(), cv=3, method="isotonic")),
    "one against the rest": (iris, lambda: OneVsRestClassifier(_logistic())),
    "several regressors": (two_targets, lambda: MultiOutputRegressor(Ridge())),
    "logarithm of the target": (
        diabetes,
        lambda: TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1),
    ),
    "search": (iris, lambda: GridSearchCV(make_pipeline(StandardScaler(), SVC()), {"svc__C": [0.1, 1.0]}, cv=3)),
    "words": (texts, lambda: make_pipeline(TfidfVectorizer(), _logistic())),
    "words, bayes": (texts, lambda: make_pipeline(CountVectorizer(ngram_range=(1, 2)), MultinomialNB())),
    "words, components": (
        texts,
        lambda: make_pipeline(TfidfVectorizer(sublinear_tf=True), TruncatedSVD(4, random_state=0), _forest()),
    ),
    "letters": (texts, lambda: make_pipeline(TfidfVectorizer(analyzer="char", ngram_range=(2, 3)), _logistic())),
    "frame": (passengers, lambda: make_pipeline(_prepared(), _logistic())),
    "frame, forest": (passengers, lambda: make_pipeline(_prepared(), _forest())),
    "frame, boosting": (
        passengers,
        lambda: make_pipeline(_prepared(), GradientBoostingClassifier(n_estimators=20, random_state=0)),
    ),
    "frame, ordinals": (
        passengers_whole,
        lambda: make_pipeline(
            _mixed("passthrough", OrdinalEncoder(**_UNKNOWN)),
            HistGradientBoostingClassifier(max_iter=15, random_state=0),
        ),
    ),
    "frame, target encoder": (
        passengers_fare,
        lambda: make_pipeline(
            ColumnTransformer(
                [("means", TargetEncoder(random_state=0), ["sex", "port"]), ("n", SimpleImputer(), ["age", "siblings"])]
            ),
            GradientBoostingRegressor(n_estimators=20, random_state=0),
        ),
    ),
    "frame, the rest as it is": (
        passengers_whole,
        lambda: make_pipeline(
            ColumnTransformer(
                [("c", OneHotEncoder(handle_unknown="ignore", drop="if_binary"), ["sex", "port"])],
                remainder="passthrough",
            ),
            StandardScaler(with_mean=False),
            _logistic(),
        ),
    ),
    "frame of numbers": (
        lambda: datasets.load_wine(return_X_y=True, as_frame=True),
        lambda: make_pipeline(StandardScaler(), _logistic()),
    ),
}


def fitted(name):
    """Fit one on half of its rows; give it, the rows it was fitted on, and the rows it has not seen."""
    load, make = ESTIMATORS[name]
    rows, y = load()
    order = np.random.default_rng(1).permutation(len(y))
    half = len(order) * 3 // 5
    estimator = make().fit(_take(rows, order[:half]), np.asarray(y)[order[:half]])
    return estimator, _take(rows, order[:half]), _take(rows, order[half:])


def _take(rows, index):
    if isinstance(rows, list):
        return [rows[i] for i in index]
    return rows.iloc[index].reset_index(drop=True) if hasattr(rows, "iloc") else rows[index]
