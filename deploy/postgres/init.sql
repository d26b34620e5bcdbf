-- beside the database `ripeline` of the live store: what MLflow keeps
CREATE DATABASE mlflow;
