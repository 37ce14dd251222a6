# random faces and what can be measured of them
import sys; sys.argv=[sys.argv[0],'1']
from exp import *
from psp.faces.detection import aligned_landmarks
from psp.inference.compact_parser import map_face
from psp.maps.palette import *
from psp.faces.landmarks import yaw
from psp.pictures.raster import to_lab
import pathlib
N=2400; out=pathlib.Path('./samples'); out.mkdir(exist_ok=True)
from psp.maps.classes import *
def score(im,maps,P):
    """im 256 uint8, maps labels 256, P landmarks 68x2 in 256 px."""
    lab=to_lab(Image.fromarray(im)) if False else None
    import cv2
    L=cv2.cvtColor(im.astype(np.float32)/255,cv2.COLOR_RGB2LAB)
    def cls(*names): return np.isin(maps,[IDX[n] for n in names])
    eyes=np.linalg.norm(P[36:42].mean(0)-P[42:48].mean(0))
    eo=lambda i:(np.linalg.norm(P[i+1]-P[i+5])+np.linalg.norm(P[i+2]-P[i+4]))/2/np.linalg.norm(P[i]-P[i+3])
    mw=np.linalg.norm(P[48]-P[54])/eyes; inner=np.linalg.norm(P[62]-P[66])/eyes
    corners=((P[62]+P[66])/2-(P[48]+P[54])/2)[1]/eyes   # smile: corners above the middle
    nose=P[30]; le,re=P[36:42].mean(0),P[42:48].mean(0); mid=(le+re)/2
    pitch=(nose[1]-mid[1])/max(1e-6,(P[57][1]-mid[1]))
    hair=cls('hair'); skin=cls('skin'); 
    r=dict(yaw=yaw(P),pitch=pitch,smile=corners,mouth_wide=mw,mouth_open=inner,eyes_open=(eo(36)+eo(42))/2,
      hair=hair.mean(),hair_low=hair[int(P[8][1]):].mean() if P[8][1]<250 else 0,hair_top=hair[:int(P[27][1])].mean(),
      glasses=cls('glasses').mean(),hat=cls('hat').mean(),
      hair_L=float(L[hair][:,0].mean()) if hair.sum()>300 else np.nan,hair_b=float(L[hair][:,2].mean()) if hair.sum()>300 else np.nan,
      skin_L=float(np.median(L[skin][:,0])) if skin.sum()>300 else np.nan, skin_b=float(np.median(L[skin][:,2])) if skin.sum()>300 else np.nan,
      bright=float(L[...,0].mean()), lips_a=float(L[cls('upper lip','lower lip')][:,1].mean()) if cls('upper lip','lower lip').sum()>40 else np.nan,
      brow=float(P[17:27][:,1].mean()-mid[1])/eyes, face_wide=np.linalg.norm(P[3]-P[13])/eyes, jaw=np.linalg.norm(P[8]-mid)/eyes)
    # beard: darkness of the chin against the cheeks
    def patch(p,s=8): x,y=int(p[0]),int(p[1]); return L[max(0,y-s):y+s,max(0,x-s):x+s,0]
    chin=patch((P[57]+P[8])/2); ck=np.concatenate([patch((P[1]+P[30])/2).ravel(),patch((P[15]+P[30])/2).ravel()])
    r['beard']=float(np.median(ck)-np.median(chin)); return r
def faces112(im,P):
    lo,hi=P.min(0),P.max(0); c=(lo+hi)/2; s=max(hi-lo)*1.25; c=c-[0,0.1*s]
    return Image.fromarray(im).transform((112,112),Image.EXTENT,tuple(np.r_[c-s/2,c+s/2]),Image.BILINEAR)
if __name__=='__main__':
    from psp.maps import palette
    g=torch.Generator().manual_seed(0); W,R,A=[],[],[]
    IDX={n:i for i,n in enumerate(CLASSES)} if 'CLASSES' in globals() else None
    print(IDX)
    for k in range(0,N,4):
        w=gen.map(torch.randn(4,512,generator=g)); m=psp.w_avg[0]; w=m+0.85*(w-m)
        with torch.no_grad(): y=decode_preview(gen,w[:,None].expand(-1,23,-1),256)
        for i in range(4):
            im=((y[i].clamp(-1,1)+1)*127.5).round().byte().permute(1,2,0).numpy()
            P=np.asarray(aligned_landmarks(im),float); P=P if P.max()>2 else P*256
            mp=np.asarray(map_face(Image.fromarray(im),256))
            W.append(w[i]); R.append(score(im,mp,P)); A.append(np.asarray(faces112(im,P)))
        if k%200==0: print(k,R[-1] if k==0 else '',flush=True); 
        if k%400==0 or k+4>=N:
            torch.save((torch.stack(W),R),out/'w.pt'); np.stack(A).tofile(out/'faces.bin')
