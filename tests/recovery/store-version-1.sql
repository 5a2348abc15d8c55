BEGIN TRANSACTION;
CREATE TABLE blobs (
    key TEXT PRIMARY KEY, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL,
    meta TEXT NOT NULL, created REAL NOT NULL
) STRICT;
INSERT INTO "blobs" VALUES('cffda49b9eb357bdb5227e66907d3d37','3629ea5934b38c08320114fccb81c34f36ecaaec9beec8c49dae3082a895a5e8',130386,'{"classes": ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"], "fingerprint": "1602c814b52cf3586e8c9eb08bb4aa5b", "notes": ["scikit-learn gives no split: the first 130 images of each class in its order are the training split, the other 497 the test split.", "Pixels are whole numbers from 0 to 16, as scikit-learn gives them."], "left_out": [], "peak": 16}',1.79524308098857164378e+09);
INSERT INTO "blobs" VALUES('1ff0cdf087d18e85a12ac56f1533d744','3f89cbdfc880495ab1aaf8eeb5bcfbbf40f4432f0ba4e4eb82a4a59fbb737b0d',422,'{}',1.79524310921209216121e+09);
CREATE TABLE cuts (dataset TEXT NOT NULL, split TEXT NOT NULL, name TEXT NOT NULL, cuts TEXT NOT NULL, who TEXT NOT NULL, created REAL NOT NULL, PRIMARY KEY (dataset, split, name)) STRICT, WITHOUT ROWID;
CREATE TABLE failures (
    unit TEXT PRIMARY KEY, label TEXT NOT NULL, reason TEXT NOT NULL, created REAL NOT NULL
) STRICT;
CREATE TABLE job_log (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, time REAL NOT NULL, text TEXT NOT NULL
) STRICT;
INSERT INTO "job_log" VALUES(1,'00f7a1faad6b87738fe38b9e3124e65b',1.79524311296112489702e+09,'Done. 2 units scored.');
CREATE TABLE job_names (name TEXT PRIMARY KEY, key TEXT NOT NULL REFERENCES jobs (key)) STRICT;
INSERT INTO "job_names" VALUES('old','00f7a1faad6b87738fe38b9e3124e65b');
CREATE TABLE jobs (
    place INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, study TEXT NOT NULL,
    name TEXT NOT NULL, spec TEXT NOT NULL, facts TEXT NOT NULL, scheduler TEXT,
    state TEXT NOT NULL, stop INTEGER NOT NULL DEFAULT 0, deaths INTEGER NOT NULL DEFAULT 0,
    phase TEXT NOT NULL DEFAULT '', done INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0, rate REAL, seconds_left REAL,
    message TEXT NOT NULL DEFAULT '', submitted REAL NOT NULL, started REAL, finished REAL
) STRICT;
INSERT INTO "jobs" VALUES(1,'00f7a1faad6b87738fe38b9e3124e65b','xfactor','old','{"dataset": "digits", "name": "old", "per_class": [2], "random": 2, "strategies": [], "directions": ["+", "-"], "excess": [10, 60], "repeats": 3, "models": ["gnb"], "seed": 7, "replicates": 0, "replicate_subsets": 60}','{"fingerprint": "1602c814b52cf3586e8c9eb08bb4aa5b", "classes": ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"], "models": ["gnb"], "notes": []}',NULL,'done',0,0,'',2,2,1.27015783350526270114e+01,NULL,'2 units scored.',1.7952430810408217907e+09,1.79524309604324173927e+09,1.79524311299591755866e+09);
CREATE TABLE scores (
    unit TEXT PRIMARY KEY, training_set TEXT NOT NULL, model TEXT NOT NULL, label TEXT NOT NULL,
    dataset TEXT NOT NULL, size INTEGER NOT NULL, accuracy REAL NOT NULL, macro_f1 REAL NOT NULL,
    class_accuracy TEXT NOT NULL, train_accuracy REAL NOT NULL, epochs INTEGER NOT NULL,
    seconds REAL NOT NULL, device TEXT NOT NULL, weights TEXT NOT NULL, seed INTEGER NOT NULL,
    versions TEXT NOT NULL, created REAL NOT NULL
) STRICT;
INSERT INTO "scores" VALUES('bf56dde9f74b3fda2e744929d6f3fa79','c8b8f3903847606be5ab61c222a8ced7','3d2e3d9f15cd5e967ba2d98e22dec5d8','gnb','1602c814b52cf3586e8c9eb08bb4aa5b',20,4.74849094567404428346e-01,0.513647870388614,'[0.5625, 0.3269230769230769, 0.40425531914893614, 0.4528301886792453, 0.5490196078431373, 0.6923076923076923, 0.37254901960784315, 0.3469387755102041, 0.6136363636363636, 0.44]',1.0,0,3.14616380019288044422e-02,'cpu','',1156099285568734438,'numpy 2.4.6, scikit-learn 1.9.1, torch 2.15.0, torchvision 0.29.2',1.79524310944527268406e+09);
INSERT INTO "scores" VALUES('7b44250598d1781a915eaaba42f41583','658d76f373a85ce7ea46390def9c3243','3d2e3d9f15cd5e967ba2d98e22dec5d8','gnb','1602c814b52cf3586e8c9eb08bb4aa5b',20,5.81488933601609692125e-01,5.91077177830690247972e-01,'[0.7916666666666666, 0.057692307692307696, 0.6808510638297872, 0.5094339622641509, 0.8823529411764706, 0.5769230769230769, 0.7450980392156863, 0.5714285714285714, 0.8636363636363636, 0.2]',1.0,0,6.80029000068316236138e-03,'cpu','',7531042829815771247,'numpy 2.4.6, scikit-learn 1.9.1, torch 2.15.0, torchvision 0.29.2',1.79524310944527268406e+09);
CREATE TABLE tags (dataset TEXT NOT NULL, split TEXT NOT NULL, row ANY NOT NULL, tag TEXT NOT NULL, who TEXT NOT NULL, created REAL NOT NULL, PRIMARY KEY (dataset, split, row, tag)) STRICT, WITHOUT ROWID;
INSERT INTO "tags" VALUES('1602c814b52cf3586e8c9eb08bb4aa5b','train',3,'remove','ada',1.79524311834655666349e+09);
INSERT INTO "tags" VALUES('1602c814b52cf3586e8c9eb08bb4aa5b','train',17,'remove','ada',1.79524311834655666349e+09);
CREATE INDEX scores_by_cost ON scores (dataset, device, label, size, seconds);
CREATE INDEX job_log_by_key ON job_log (key, id);
COMMIT;
PRAGMA user_version = 1;
