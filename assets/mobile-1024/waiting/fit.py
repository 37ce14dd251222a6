import sys; sys.argv=['x','1']
from exp import *
import json
W,R=torch.load('samples/w.pt',weights_only=False); A=json.load(open('samples/age.json'))
W=W.numpy(); names=list(R[0]); S=np.array([[float(r[k]) for k in names] for r in R]); A=np.array(A)
S=np.c_[S,A[:,0],A[:,1],A[:,2]]; names+=['age','female','happy']
ok=np.isfinite(S).all(1); print('kept',ok.sum()); W,S=W[ok],S[ok]
# robust: ranks to normal for skewed
from scipy.stats import rankdata,norm
Z=np.stack([norm.ppf((rankdata(s)-.5)/len(s)) for s in S.T],1)
# linear fit in whitened W
mu=W.mean(0); X=W-mu; n=len(X); tr=np.arange(n)%5!=0
lam=None
U,s,V=np.linalg.svd(X[tr],full_matrices=False); sd=s/np.sqrt(tr.sum()); k=200
P=V[:k]/sd[:k,None]  # whitened coords
F=X@P.T
B=np.linalg.solve(F[tr].T@F[tr]+20*np.eye(k),F[tr].T@Z[tr])  # k x m
pred=F[~tr]@B; r=[np.corrcoef(pred[:,i],Z[~tr][:,i])[0,1] for i in range(len(names))]
for a,b in sorted(zip(names,r),key=lambda t:-t[1]): print(a,round(b,3))
np.savez('fit.npz',B=B,P=P,V=V[:k],sd=sd[:k],mu=mu,names=names,r=r,corr=np.corrcoef(Z.T))
